import { TrainyardError } from '../../errors.ts'
import type { Caller } from './caller.ts'

/** Whether the caller administers accounts: an operator who is signed in. */
export function isOperator({ account, scopes }: Caller): boolean {
  return account?.operator === true && scopes === undefined
}

/**
 * Refuses everyone but operators who are signed in: a token of theirs must not administer accounts.
 *
 * @throws TrainyardError `forbidden`
 */
export function requireOperator(caller: Caller): void {
  if (isOperator(caller)) return
  throw new TrainyardError('forbidden', 'Only an operator who is signed in can administer accounts')
}
