import { type AuditActor, actorOf, type Caller, can, isOperator, TrainyardError } from '@trainyard/platform'
import { namespaceOf } from '../oci/names.ts'

/**
 * `pull`: read what is published, which everyone may. `inspect`: read what is not published. `push`: add. `delete`: remove
 * from a plain repository. `list`: see the repository in the catalogue of `/v2`. `administer`: settings that let others in.
 */
export type RepositoryAction = 'pull' | 'inspect' | 'push' | 'delete' | 'list' | 'administer'

/** The sender of a request, with its permissions on repositories. */
export interface RegistryCaller {
  /** For upload sessions: an account, an organisation, or "anonymous". */
  subject: string
  credentials: 'none' | 'token' | 'grant'
  /** The token that was presented, now or when the grant was issued. */
  tokenId?: string | undefined
  /** When that token expires. */
  expiresAt?: Date | undefined
  /** For audit rows: the token or session behind the credentials. */
  actor: AuditActor
  /** Scopes of a `ty_` token; empty for other credentials. */
  scopes: readonly string[]
  /** Decides appeals: an operator who is signed in. */
  isModerator: boolean
  /** Whether the names of its trainers may be reserved or too like another: an operator. */
  mayTakeAnyName: boolean
  may(action: RepositoryAction, repository: string): boolean
}

export const ANONYMOUS: RegistryCaller = {
  subject: 'anonymous',
  credentials: 'none',
  actor: { actor: 'anonymous' },
  scopes: [],
  isModerator: false,
  mayTakeAnyName: false,
  may: (action) => action === 'pull',
}

/** @throws TrainyardError `unauthenticated` for a caller without credentials */
export function requireCredentials({ credentials }: RegistryCaller): void {
  if (credentials !== 'none') return
  throw new TrainyardError('unauthenticated', 'Sign in, or send a token that starts with "ty_"')
}

/** @throws TrainyardError `unauthenticated` or `forbidden` unless an operator is signed in. `what` they can do stands in the message. */
export function requireModerator(caller: RegistryCaller, what: string): void {
  requireCredentials(caller)
  if (!caller.isModerator) throw new TrainyardError('forbidden', `Only an operator who is signed in can ${what}`)
}

const SCOPES_FOR: Readonly<Record<RepositoryAction, readonly string[]>> = {
  pull: ['pull', 'push', 'admin'],
  inspect: ['pull', 'push', 'admin'],
  list: ['pull', 'push', 'admin'],
  push: ['push', 'admin'],
  delete: ['admin'],
  administer: ['admin'],
}

const PERMISSIONS = {
  inspect: 'trainers:read',
  list: 'trainers:read',
  push: 'trainers:write',
  delete: 'trainers:delete',
  administer: 'trainers:administer',
} as const

/** Whether scopes such as `push:acme`, `admin:*` and `push:acme/yolo`, which jobs of a CI get, allow an action. */
function scopesAllow(
  scopes: readonly string[],
  action: RepositoryAction,
  { namespace, repository }: { namespace: string; repository?: string | undefined },
): boolean {
  return scopes.some((scope) => {
    const [verb = '', target = ''] = scope.split(':')
    return SCOPES_FOR[action].includes(verb) && (target === '*' || target === namespace || target === repository)
  })
}

/** The caller of a `ty_` token that belongs to no account. Only the token's scopes count. */
export function callerOfToken(token: {
  owner: string
  scopes: readonly string[]
  tokenId?: string | undefined
  expiresAt?: Date | undefined
}): RegistryCaller {
  return {
    subject: token.owner,
    tokenId: token.tokenId,
    expiresAt: token.expiresAt,
    credentials: 'token',
    actor: { actor: token.owner, credentials: 'token', tokenId: token.tokenId },
    scopes: token.scopes,
    isModerator: false,
    mayTakeAnyName: token.scopes.includes('push:*') || token.scopes.includes('admin:*'),
    may: (action, repository) =>
      action === 'pull' || scopesAllow(token.scopes, action, { namespace: namespaceOf(repository), repository }),
  }
}

/**
 * The caller of an account. Both the role in the namespace's organisation and the token's scopes, if it has any, must
 * allow an action. An operator may also push to a namespace that is not an organisation yet, which claims it.
 */
export function callerOfAccount(caller: Caller, isOrganisation: (namespace: string) => boolean): RegistryCaller {
  const may = (action: Exclude<RepositoryAction, 'pull'>, namespace: string): boolean => {
    const membership = caller.memberships.find(({ organisation }) => organisation === namespace)
    if (membership !== undefined) return can(caller, PERMISSIONS[action], { organisationId: membership.organisationId })
    if (caller.account?.operator !== true || isOrganisation(namespace)) return false
    const isLimited = caller.limit.organisationId !== undefined || caller.limit.projectId !== undefined
    return !isLimited && scopesAllow(caller.scopes ?? ['admin:*'], action, { namespace })
  }
  return {
    subject: caller.subject,
    tokenId: caller.tokenId,
    expiresAt: caller.expiresAt,
    credentials: 'token',
    actor: actorOf(caller),
    scopes: caller.scopes ?? [],
    isModerator: isOperator(caller),
    mayTakeAnyName: isOperator(caller),
    may: (action, repository) => action === 'pull' || may(action, namespaceOf(repository)),
  }
}

export interface RepositoryGrant {
  type: string
  name: string
  actions: string[]
}

/**
 * The caller of a token issued by `/token`. It may do what the grant lists for each repository, as long as the grantor
 * still may do it.
 */
export function callerOfGrants(grantor: RegistryCaller, grants: readonly RepositoryGrant[]): RegistryCaller {
  const isGranted = (action: RepositoryAction, repository: string) =>
    action === 'list'
      ? grants.some(({ type, name, actions }) => type === 'registry' && name === 'catalog' && actions.includes('*'))
      : grants.some(
          ({ type, name, actions }) => type === 'repository' && name === repository && actions.includes(action),
        )
  return {
    subject: grantor.subject,
    tokenId: grantor.tokenId,
    expiresAt: grantor.expiresAt,
    credentials: 'grant',
    actor: grantor.actor,
    scopes: [],
    isModerator: false,
    mayTakeAnyName: grantor.mayTakeAnyName,
    may: (action, repository) =>
      action === 'pull' || (isGranted(action, repository) && grantor.may(action, repository)),
  }
}
