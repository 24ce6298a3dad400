import type { CheckResult } from '@trainyard/contract'

/** The checks of every version, in the order in which they run and are shown. The validator reports these names. */
const CHECK_NAMES = ['manifest', 'secrets', 'compliance'] as const

export function waitingResults(): CheckResult[] {
  return CHECK_NAMES.map((name) => ({ name, status: 'waiting', findings: [] }))
}

/** Replaces the result of the same name; a result with a new name is appended. */
export function withResult(results: readonly CheckResult[], result: CheckResult): CheckResult[] {
  return results.some(({ name }) => name === result.name)
    ? results.map((other) => (other.name === result.name ? result : other))
    : [...results, result]
}

/** Ends every check that has not finished with `status` and `reason`. */
export function endUnfinished(
  results: readonly CheckResult[],
  status: 'skipped' | 'errored',
  reason: string,
): CheckResult[] {
  return results.map((result) =>
    result.status === 'waiting' || result.status === 'running' ? { ...result, status, reason } : result,
  )
}
