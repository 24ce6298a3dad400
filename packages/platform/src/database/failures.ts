import { errorCode } from '../system/describe-error.ts'

/**
 * `data`: a value cannot be stored, compared or processed, so the same request fails again. `unavailable`: the database cannot
 * carry the statement out at the moment, so a retry can succeed. A database that does not answer throws `DatabaseUnavailable`.
 */
type FailureKind = 'data' | 'unavailable'

/** By class of SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const KIND_BY_CLASS: Readonly<Record<string, FailureKind>> = {
  // Cardinality violation, data exception, program limit exceeded (size of a row, depth of JSON).
  21: 'data',
  22: 'data',
  54: 'data',
  // Invalid authorization, serialization failure or deadlock, object not in the expected state (a lock), operator intervention
  // (a cancelled statement), system error.
  28: 'unavailable',
  40: 'unavailable',
  55: 'unavailable',
  57: 'unavailable',
  58: 'unavailable',
}

/** Exceptions to the classes: a statement that is too large, and a server that became a standby. */
const KIND_BY_CODE: Readonly<Record<string, FailureKind>> = { '08P01': 'data', 25006: 'unavailable' }

/** A value that is nested too deeply, or whose text is too long for this process. */
const STACK_OR_STRING = /^(Maximum call stack size exceeded|Invalid string length|Cannot create a string longer than)/

/** Who is to blame for a failed statement: the data, or the database. Undefined for every other error. */
export function kindOfFailure(error: unknown): FailureKind | undefined {
  if (!(error instanceof Error)) return undefined
  if (STACK_OR_STRING.test(error.message)) return 'data'
  const code = errorCode(error) ?? ''
  if (!('severity' in error) || !/^[0-9A-Z]{5}$/.test(code)) return undefined
  return KIND_BY_CODE[code] ?? KIND_BY_CLASS[code.slice(0, 2)]
}
