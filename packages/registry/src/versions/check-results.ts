import type { CheckResult } from '@trainyard/contract'

/** The checks of every version, in the order in which they run and are shown. */
const CHECK_NAMES = ['manifest', 'secrets', 'compliance'] as const
type CheckName = (typeof CHECK_NAMES)[number]

/** The validator reports phases under these names. */
const CHECK_OF_PHASE: Readonly<Record<string, CheckName>> = {
  static: 'manifest',
  security: 'secrets',
  compliance: 'compliance',
}

export function waitingResults(): CheckResult[] {
  return CHECK_NAMES.map((name) => ({ name, status: 'waiting', findings: [] }))
}

/** Replaces the result of the same name; a result with a new name is appended. */
export function withResult(results: readonly CheckResult[], result: CheckResult): CheckResult[] {
  const name = CHECK_OF_PHASE[result.name] ?? result.name
  const renamed = { ...result, name }
  return results.some((other) => other.name === name)
    ? results.map((other) => (other.name === name ? renamed : other))
    : [...results, renamed]
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
