import { TrainyardError } from '../../errors.ts'
import type { Caller, CallerAccount } from './caller.ts'

/**
 * Refuses tokens, whatever their scopes: sessions and passwords are managed by the person alone.
 *
 * @throws TrainyardError `forbidden`
 */
export function requirePerson({ account, scopes }: Caller): CallerAccount {
  if (account !== undefined && scopes === undefined) return account
  throw new TrainyardError('forbidden', 'This is not available to tokens: sign in')
}
