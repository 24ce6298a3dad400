import { TrainyardError } from '../../errors.ts'
import type { Caller, CallerProject } from './caller.ts'
import { type Action, isAtLeast, LEAST_ROLE } from './roles.ts'
import { scopeFor, scopesCover, scopesManageTokens } from './scopes.ts'

/** What an action is performed on: a project, or without `projectId` the organisation as a whole. */
export interface ActionTarget {
  organisationId: string
  projectId?: string | undefined
}

/** What is managed for the caller's own account, outside of any organisation. */
export type OwnResource = 'account' | 'tokens'

/**
 * Decides about the caller's own account. The account itself (sign-up of others, passwords, sessions, new organisations) is
 * managed by the person alone, so by no token; tokens also by a token with the scope for that.
 */
export function canManageOwn({ account, scopes }: Caller, resource: OwnResource): boolean {
  if (resource === 'tokens') return scopesManageTokens(scopes)
  return account !== undefined && scopes === undefined
}

/** @throws TrainyardError `forbidden` */
export function requireManageOwn(caller: Caller, resource: OwnResource): void {
  if (canManageOwn(caller, resource)) return
  if (resource === 'account') throw new TrainyardError('forbidden', 'This is not available to tokens: sign in')
  throw new TrainyardError(
    'forbidden',
    `Managing tokens needs a session, or a token with the scope "tokens:manage"; this one has ${caller.scopes?.join(', ') || 'none'}`,
  )
}

/** Decides about everything that belongs to an organisation: the role in it, the token's limit and its scopes must all allow the action. */
export function can(caller: Caller, action: Action, target: ActionTarget): boolean {
  const membership = caller.memberships.find(({ organisationId }) => organisationId === target.organisationId)
  if (membership === undefined || !isWithinLimit(caller, action, target)) return false
  return isAtLeast(membership.role, LEAST_ROLE[action]) && scopesCover(caller.scopes, action, membership.organisation)
}

function isWithinLimit({ limit }: Caller, action: Action, { organisationId, projectId }: ActionTarget): boolean {
  if (limit.organisationId !== undefined && limit.organisationId !== organisationId) return false
  if (limit.projectId === undefined || limit.projectId === projectId) return true
  // A token of one project can read which organisation it belongs to, and nothing else of the organisation.
  return projectId === undefined && action === 'organisation:read'
}

/** The project, or undefined when the caller cannot see it. */
export function findProject(caller: Caller, projectId: string): CallerProject | undefined {
  return caller.projects.find(({ id }) => id === projectId)
}

/** The projects in which the caller can perform an action. Lists are filtered by them. */
export function projectsFor(caller: Caller, action: Action): readonly CallerProject[] {
  return caller.projects.filter(({ id, organisationId }) => can(caller, action, { organisationId, projectId: id }))
}

/** The ids of the organisations as a whole in which the caller can perform an action. */
export function organisationsFor(caller: Caller, action: Action): readonly string[] {
  return caller.memberships
    .map(({ organisationId }) => organisationId)
    .filter((organisationId) => can(caller, action, { organisationId }))
}

/**
 * Refuses a token whose scopes do not allow the action in any organisation of the caller. Call it before any lookup, so that the answer
 * does not reveal what exists.
 *
 * @throws TrainyardError `forbidden`
 */
export function requireScope(caller: Caller, action: Action): void {
  const { scopes, memberships } = caller
  const slugs = memberships.length === 0 ? [undefined] : memberships.map(({ organisation }) => organisation)
  if (slugs.some((slug) => scopesCover(scopes, action, slug))) return
  throw new TrainyardError(
    'forbidden',
    `This needs a token with the scope "${scopeFor(action)}"; this one has ${caller.scopes?.join(', ') || 'none'}`,
  )
}

/**
 * Call it only for targets that the caller can see: the message names the organisation.
 *
 * @throws TrainyardError `forbidden`
 */
export function requireCan(caller: Caller, action: Action, target: ActionTarget): void {
  requireScope(caller, action)
  if (can(caller, action, target)) return
  const membership = caller.memberships.find(({ organisationId }) => organisationId === target.organisationId)
  const role = membership?.role ?? 'no role'
  const where = membership === undefined ? 'this organisation' : `"${membership.organisation}"`
  const hasRole = membership !== undefined && isAtLeast(membership.role, LEAST_ROLE[action])
  throw new TrainyardError(
    'forbidden',
    hasRole
      ? `This needs a token with the scope "${scopeFor(action, membership.organisation)}" that is not limited to another organisation or project`
      : `This needs the role ${LEAST_ROLE[action]} in ${where}; you have ${role}`,
  )
}
