import { can, type Caller as Person } from '@trainyard/platform'

/**
 * What a caller may do with a repository:
 * `pull` what is published (everybody may), `inspect` what is not, `push`.
 */
export type RepositoryAction = 'pull' | 'inspect' | 'push'

/** Who is asking, however they said so. */
export interface Caller {
  /** For audit rows and upload sessions: a person or organisation, or "anonymous". */
  subject: string
  credentials: 'none' | 'token' | 'grant'
  /** Of the token that was shown, now or when the grant was given. */
  tokenId?: string | undefined
  /** Scopes of a `ty_` token, as the person wrote them; empty for the others. */
  scopes: readonly string[]
  may(action: RepositoryAction, repository: string): boolean
  /** Whether any repository of a namespace is open to the caller before it is published. */
  mayInspectNamespace(namespace: string): boolean
}

export const ANONYMOUS: Caller = {
  subject: 'anonymous',
  credentials: 'none',
  scopes: [],
  may: (action) => action === 'pull',
  mayInspectNamespace: () => false,
}

const SCOPES_FOR: Readonly<Record<RepositoryAction, readonly string[]>> = {
  pull: ['pull', 'push', 'admin'],
  inspect: ['pull', 'push', 'admin'],
  push: ['push', 'admin'],
}

/** Whether scopes such as `push:acme` and `admin:*` cover an action in a namespace. */
function scopesAllow(scopes: readonly string[], action: RepositoryAction, namespace: string): boolean {
  return scopes.some((scope) => {
    const [verb = '', target = ''] = scope.split(':')
    return SCOPES_FOR[action].includes(verb) && (target === '*' || target === namespace)
  })
}

function namespaceOf(repository: string): string {
  return repository.slice(0, repository.indexOf('/'))
}

/** The caller behind a `ty_` token that belongs to no account: its scopes are all there is. */
export function callerOfToken(token: {
  owner: string
  scopes: readonly string[]
  tokenId?: string | undefined
}): Caller {
  return {
    subject: token.owner,
    tokenId: token.tokenId,
    credentials: 'token',
    scopes: token.scopes,
    may: (action, repository) => action === 'pull' || scopesAllow(token.scopes, action, namespaceOf(repository)),
    mayInspectNamespace: (namespace) => scopesAllow(token.scopes, 'inspect', namespace),
  }
}

/**
 * The caller behind an account: the role in the organisation of the namespace, and the scopes where there are any, have to
 * allow it. An operator may also push to namespaces that are no organisation yet, and so make them theirs.
 */
export function callerOfPerson(person: Person, isOrganisation: (namespace: string) => boolean): Caller {
  const may = (action: RepositoryAction, namespace: string): boolean => {
    const membership = person.memberships.find(({ organisation }) => organisation === namespace)
    const wanted = action === 'push' ? 'trainers:write' : 'trainers:read'
    if (membership !== undefined) return can(person, wanted, { organisationId: membership.organisationId })
    if (person.account?.operator !== true || isOrganisation(namespace)) return false
    return person.limit.organisationId === undefined && scopesAllow(person.scopes ?? ['admin:*'], action, namespace)
  }
  return {
    subject: person.subject,
    tokenId: person.tokenId,
    credentials: 'token',
    scopes: person.scopes ?? [],
    may: (action, repository) => action === 'pull' || may(action, namespaceOf(repository)),
    mayInspectNamespace: (namespace) => may('inspect', namespace),
  }
}

export interface RepositoryGrant {
  type: string
  name: string
  actions: string[]
}

/**
 * The caller behind a token that `/token` issued: it may do what it was granted, repository by repository, and what whoever
 * it was given to may still do.
 */
export function callerOfGrants(grantor: Caller, grants: readonly RepositoryGrant[]): Caller {
  const granted = (action: RepositoryAction, matches: (name: string) => boolean) =>
    grants.some((grant) => grant.type === 'repository' && matches(grant.name) && grant.actions.includes(action))
  return {
    subject: grantor.subject,
    tokenId: grantor.tokenId,
    credentials: 'grant',
    scopes: [],
    may: (action, repository) =>
      action === 'pull' || (granted(action, (name) => name === repository) && grantor.may(action, repository)),
    mayInspectNamespace: (namespace) =>
      granted('inspect', (name) => namespaceOf(name) === namespace) && grantor.mayInspectNamespace(namespace),
  }
}
