import { TrainyardError } from '../../errors.ts'
import type { Caller, CallerAccount } from './caller.ts'
import { requireManageOwn } from './can.ts'

/**
 * Refuses tokens, whatever their scopes: sessions and passwords are managed by the person alone.
 *
 * @throws TrainyardError `forbidden`
 */
export function requirePerson(caller: Caller): CallerAccount {
  requireManageOwn(caller, 'account')
  if (caller.account === undefined) throw new TrainyardError('forbidden', 'This is not available without an account')
  return caller.account
}
