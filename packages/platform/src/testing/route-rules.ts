/**
 * What a route asks of a token: `nothing` (also open without one), `any` (every valid token), `person` (no token at all), or
 * a scope. `{ns}` is the namespace of the organisation.
 */
export type RouteScope =
  | 'nothing'
  | 'any'
  | 'person'
  | 'tokens:manage'
  | `${'jobs' | 'datasets'}:${'read' | 'write'}`
  | `${'pull' | 'push' | 'admin'}:{ns}`

/** The rules of one route. A route without rules fails the tests of all routes. */
export interface RouteRule {
  needs: RouteScope
  /** The action of the one audit row that a successful call writes in the organisation. Absent for reading. */
  audit?: string
  /** Why a call that changes something writes no row of an organisation. */
  outside?: string
}

/** The scopes of the tests, in an organisation "red". */
export const SCOPES_OF_RED = [
  'jobs:read',
  'jobs:write',
  'datasets:read',
  'datasets:write',
  'tokens:manage',
  'pull:red',
  'push:red',
  'push:*',
  'admin:red',
  'admin:*',
  'admin:blue',
] as const

/** The scopes that satisfy a rule in "red", written down independently of the code that decides. */
const SUFFICIENT: Readonly<Record<RouteScope, readonly string[]>> = {
  nothing: SCOPES_OF_RED,
  any: SCOPES_OF_RED,
  person: [],
  'tokens:manage': ['tokens:manage', 'admin:*'],
  'jobs:read': ['jobs:read', 'jobs:write', 'admin:red', 'admin:*'],
  'jobs:write': ['jobs:write', 'admin:red', 'admin:*'],
  'datasets:read': ['datasets:read', 'datasets:write', 'admin:red', 'admin:*'],
  'datasets:write': ['datasets:write', 'admin:red', 'admin:*'],
  'pull:{ns}': ['pull:red', 'push:red', 'push:*', 'admin:red', 'admin:*'],
  'push:{ns}': ['push:red', 'push:*', 'admin:red', 'admin:*'],
  'admin:{ns}': ['admin:red', 'admin:*'],
}

export const isSufficient = (scope: string, needs: RouteScope): boolean => SUFFICIENT[needs].includes(scope)

const ofAccount = 'it concerns an account, which belongs to no organisation'

/** The routes of identities, which runner and registry both serve. */
export const IDENTITY_ROUTES: Readonly<Record<string, RouteRule>> = {
  // Open to people who have no account yet, but to no token: a token creates no accounts.
  'POST /v1/accounts': { needs: 'person', outside: ofAccount },
  'GET /v1/accounts/sign-up': { needs: 'nothing' },
  'POST /v1/accounts/invitations': { needs: 'person', outside: ofAccount },
  'POST /v1/sessions/codes': { needs: 'person', outside: ofAccount },
  'POST /v1/sessions/codes/redeem': { needs: 'nothing', outside: ofAccount },
  'GET /v1/me': { needs: 'any' },
  'POST /v1/me/password': { needs: 'person', outside: ofAccount },
  'POST /v1/accounts/password-resets': { needs: 'person', outside: ofAccount },
  'POST /v1/accounts/password-resets/redeem': { needs: 'nothing', outside: ofAccount },
  'POST /v1/sessions': { needs: 'nothing', outside: ofAccount },
  'GET /v1/sessions': { needs: 'person' },
  'DELETE /v1/sessions/current': { needs: 'person', outside: ofAccount },
  'DELETE /v1/sessions/{id}': { needs: 'person', outside: ofAccount },
  'GET /v1/organisations': { needs: 'any' },
  'POST /v1/organisations': { needs: 'person', audit: 'organisation.create' },
  'GET /v1/organisations/{organisation}/members': { needs: 'admin:{ns}' },
  'POST /v1/organisations/{organisation}/members': { needs: 'admin:{ns}', audit: 'member.set' },
  'DELETE /v1/organisations/{organisation}/members/{account}': { needs: 'admin:{ns}', audit: 'member.remove' },
  'DELETE /v1/organisations/{organisation}/invitations/{invitation}': {
    needs: 'admin:{ns}',
    audit: 'member.withdraw',
  },
  'POST /v1/organisations/{organisation}/invitations/redeem': { needs: 'person', audit: 'member.join' },
  // A token that starts jobs has to find the projects of its organisation.
  'GET /v1/organisations/{organisation}/projects': { needs: 'any' },
  'POST /v1/organisations/{organisation}/projects': { needs: 'admin:{ns}', audit: 'project.create' },
  'GET /v1/organisations/{organisation}/audit': { needs: 'admin:{ns}' },
  'POST /v1/tokens': { needs: 'tokens:manage', audit: 'token.create' },
  'GET /v1/tokens': { needs: 'tokens:manage' },
  'DELETE /v1/tokens/{id}': { needs: 'tokens:manage', audit: 'token.revoke' },
}
