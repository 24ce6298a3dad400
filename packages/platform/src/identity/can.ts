import { TrainyardError } from '../errors.ts'
import type { Caller, CallerProject } from './caller.ts'
import { type Action, isAtLeast, LEAST_ROLE } from './roles.ts'
import { scopeFor, scopesCover } from './scopes.ts'

/** Where something is to be done. Without a project: in the organisation as a whole. */
export interface Place {
  organisationId: string
  projectId?: string
}

/** The one rule of the house: the role in the organisation, the bounds of the token and its scopes all have to allow it. */
export function can(caller: Caller, action: Action, place: Place): boolean {
  const membership = caller.memberships.find(({ organisationId }) => organisationId === place.organisationId)
  if (membership === undefined || !isWithinLimit(caller, action, place)) return false
  return isAtLeast(membership.role, LEAST_ROLE[action]) && scopesCover(caller.scopes, action, membership.organisation)
}

function isWithinLimit({ limit }: Caller, action: Action, { organisationId, projectId }: Place): boolean {
  if (limit.organisationId !== undefined && limit.organisationId !== organisationId) return false
  if (limit.projectId === undefined || limit.projectId === projectId) return true
  // A token of one project may see which organisation it is in, and do nothing to it.
  return projectId === undefined && action === 'organisation:read'
}

/** The project, when the caller can see that it exists. */
export function findProject(caller: Caller, projectId: string): CallerProject | undefined {
  return caller.projects.find(({ id }) => id === projectId)
}

/** The projects in which the caller may do something: what lists are filtered by. */
export function projectsFor(caller: Caller, action: Action): readonly CallerProject[] {
  return caller.projects.filter(({ id, organisationId }) => can(caller, action, { organisationId, projectId: id }))
}

/** Refuses a token whose scopes could not allow an action anywhere, before anything is looked up: nothing leaks. */
export function requireScope(caller: Caller, action: Action): void {
  if (scopesCover(caller.scopes, action)) return
  throw new TrainyardError(
    'forbidden',
    `This needs a token with the scope "${scopeFor(action)}"; this one has ${caller.scopes?.join(', ') || 'none'}`,
  )
}

/** @throws TrainyardError `forbidden`; only for places that the caller can see */
export function requireCan(caller: Caller, action: Action, place: Place): void {
  requireScope(caller, action)
  if (can(caller, action, place)) return
  const membership = caller.memberships.find(({ organisationId }) => organisationId === place.organisationId)
  const role = membership?.role ?? 'no role'
  const where = membership === undefined ? 'this organisation' : `"${membership.organisation}"`
  const enough = membership !== undefined && isAtLeast(membership.role, LEAST_ROLE[action])
  throw new TrainyardError(
    'forbidden',
    enough
      ? `This needs a token with the scope "${scopeFor(action, membership.organisation)}" that is not limited to another place`
      : `This needs the role ${LEAST_ROLE[action]} in ${where}; you have ${role}`,
  )
}
