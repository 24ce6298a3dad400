import type { CheckPhase, CheckResult } from '@trainyard/contract'
import type { ValidateOptions } from '../../validation/validate.ts'
import type { CheckEnd, CheckInput, CheckReporter } from './check.ts'

/** The names under which the validator reports its phases. */
const CHECK_OF_PHASE = {
  static: 'manifest',
  security: 'secrets',
  compliance: 'compliance',
} as const satisfies Record<CheckPhase, string>

/** Runs one phase of the validator on the unpacked folder of a bundle, or on a loaded image. */
export async function validatePhase(
  { context, dir, image }: Pick<CheckInput, 'context' | 'dir'> & Pick<ValidateOptions, 'image'>,
  phase: CheckPhase,
  reporter: CheckReporter,
  signal: AbortSignal,
): Promise<CheckEnd> {
  const isOfPhase = ({ name }: CheckResult) => name === CHECK_OF_PHASE[phase]
  try {
    const report = await context.validate({
      dir,
      image,
      phases: [phase],
      signal,
      onCheck: (result) => {
        if (!isOfPhase(result)) return
        reporter.found(...result.findings)
        if (result.progress !== undefined) reporter.advanced(result.progress)
      },
    })
    return endOf(report.checks.find(isOfPhase))
  } catch (error) {
    // A stop, a lost lease or a time limit: the caller knows why.
    signal.throwIfAborted()
    return { outcome: 'errored', reason: error instanceof Error ? error.message : String(error) }
  }
}

function endOf(result: CheckResult | undefined): CheckEnd {
  if (!result) return { outcome: 'skipped', reason: 'the validator did not run this check' }
  const { status, findings, notes, reason, fault } = result
  if (status === 'skipped')
    return { outcome: 'skipped', reason: reason ?? 'the validator gave no reason', findings, notes }
  if (status === 'passed' || status === 'failed') return { outcome: 'done', findings, notes }
  return { outcome: 'errored', reason: reason ?? 'the validator did not finish it', fault, findings, notes }
}
