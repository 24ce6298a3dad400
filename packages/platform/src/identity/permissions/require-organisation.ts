import { notFound } from '../../errors.ts'
import type { Caller, CallerMembership } from './caller.ts'
import { requireCan } from './can.ts'
import type { Action } from './roles.ts'

/**
 * The caller's membership in an organisation in which it can perform the action.
 *
 * @throws TrainyardError `not_found`, also when the caller is not a member; `forbidden`
 */
export function requireOrganisation(caller: Caller, slug: string, action: Action): CallerMembership {
  const membership = caller.memberships.find(({ organisation }) => organisation === slug)
  if (membership === undefined) throw notFound('organisation', slug)
  requireCan(caller, action, { organisationId: membership.organisationId })
  return membership
}
