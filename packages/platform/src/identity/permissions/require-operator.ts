import { TrainyardError } from '../../errors.ts'
import type { Caller } from './caller.ts'

/**
 * Refuses everyone but operators who are signed in: a token of theirs must not administer accounts.
 *
 * @throws TrainyardError `forbidden`
 */
export function requireOperator({ account, scopes }: Caller): void {
  if (account?.operator === true && scopes === undefined) return
  throw new TrainyardError('forbidden', 'Only an operator who is signed in can administer accounts')
}
