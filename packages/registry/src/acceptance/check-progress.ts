import type { CheckResult, Finding } from '@trainyard/contract'
import type { RegistryContext } from '../context.ts'
import { endUnfinished, waitingResults, withResult } from '../versions/check-results.ts'
import { type ClaimedCheck, saveProgress } from './claim-check.ts'

/** Limit on the findings that are stored for one check. */
const MAX_FINDINGS = 500

const SEVERITIES: readonly Finding['severity'][] = ['error', 'warning', 'info']

/** Leaves out the least severe findings beyond the limit, and counts them. */
function limitFindings(result: CheckResult): CheckResult {
  const { findings } = result
  if (findings.length <= MAX_FINDINGS) return result
  const kept = findings
    .toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
    .slice(0, MAX_FINDINGS)
  return { ...result, findings: kept, omittedFindings: findings.length - kept.length }
}

/** Collects the results of a running check and stores every change, in order. */
export class CheckProgress {
  readonly #context: RegistryContext
  readonly #check: ClaimedCheck
  #results = waitingResults()
  #saving: Promise<void> = Promise.resolve()

  constructor(context: RegistryContext, check: ClaimedCheck) {
    this.#context = context
    this.#check = check
  }

  get results(): readonly CheckResult[] {
    return this.#results
  }

  report(result: CheckResult): void {
    this.#results = withResult(this.#results, limitFindings(result))
    const snapshot = this.#results
    this.#saving = this.#saving
      .then(() => saveProgress(this.#context, this.#check, snapshot))
      .catch((error: unknown) =>
        this.#context.logger.warn({ err: error, check: this.#check.id }, 'the progress of a check could not be stored'),
      )
  }

  /** Ends what has not finished. It is stored together with the verdict. */
  endUnfinished(status: 'skipped' | 'errored', reason: string): void {
    this.#results = endUnfinished(this.#results, status, reason)
  }

  /** Resolves when all changes are stored. */
  saved(): Promise<void> {
    return this.#saving
  }
}
