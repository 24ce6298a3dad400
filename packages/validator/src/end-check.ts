import type { CheckResult } from '@trainyard/contract'
import { isSelected } from './rules/index.ts'
import type { PhaseOutcome } from './run-compliance.ts'
import { isOurFault, statusOf, type ValidateOptions } from './validate-trainer.ts'

/** Runs a phase, and makes a result of how it ended. Only the abort of `signal` is thrown. */
export async function endCheck(
  run: () => Promise<PhaseOutcome>,
  { name, profile, only, signal, timeout, timeoutMs }: EndCheckOptions,
): Promise<CheckResult> {
  try {
    const outcome = await run()
    const { skipped, unfinished, notes } = outcome
    const findings = outcome.findings.filter(({ code }) => isSelected(code, only))
    const status = statusOf({ ...outcome, findings }, profile)
    return { name, status, reason: skipped ?? unfinished, notes: notes && [...notes], findings }
  } catch (error) {
    signal?.throwIfAborted()
    const message = error instanceof Error ? error.message : String(error)
    const reason = timeout.aborted ? `not finished after ${timeoutMs / 1000} s` : message
    const fault = isOurFault(error) ? 'platform' : undefined
    return { name, status: 'errored', reason, fault, findings: [] }
  }
}

interface EndCheckOptions {
  name: string
  profile: NonNullable<ValidateOptions['profile']>
  only: readonly string[]
  signal: AbortSignal | undefined
  timeout: AbortSignal
  timeoutMs: number
}
