import type { CheckResult, Finding } from '@trainyard/contract'
import type { PartKind } from '../db/schema/version-parts.ts'
import { type CheckPolicy, checksOf } from './check-policy.ts'

/** The results of a part whose checks have not started. Without a policy, the switches are not shown yet. */
export function waitingResults(kind: PartKind, policy?: CheckPolicy | undefined): CheckResult[] {
  return checksOf(kind).map((name) => ({
    name,
    status: 'waiting',
    enforced: policy?.[name].enforced,
    required: policy?.[name].required,
    findings: [],
  }))
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
    result.status === 'waiting' || result.status === 'running'
      ? { ...result, status, reason, progress: undefined }
      : result,
  )
}

/** Whether this result rejects the version. */
export function rejects({ status, enforced = true }: CheckResult): boolean {
  return enforced && status === 'failed'
}

/** Whether an error remains that its owner has not suppressed. */
export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some(({ severity, suppressed }) => severity === 'error' && suppressed === undefined)
}
