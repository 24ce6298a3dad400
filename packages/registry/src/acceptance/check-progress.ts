import { setTimeout } from 'node:timers/promises'
import type { CheckName, CheckResult, Finding } from '@trainyard/contract'
import type { RegistryContext } from '../context.ts'
import { endUnfinished, withResult } from '../versions/check-results.ts'
import { type ClaimedCheck, saveProgress } from './claim-check.ts'

/** Limit on the findings that are stored for one check. */
const MAX_FINDINGS = 500

/** Changes within this time are stored together. */
const SAVE_EVERY_MS = 150

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

/** Collects the results of a running check and stores the newest ones, a few times a second at most. */
export class CheckProgress {
  readonly #context: RegistryContext
  readonly #check: ClaimedCheck
  #results: readonly CheckResult[]
  #saving: Promise<void> | undefined
  #unsaved = false
  readonly #flush = Promise.withResolvers<void>()

  constructor(context: RegistryContext, check: ClaimedCheck, results: readonly CheckResult[]) {
    this.#context = context
    this.#check = check
    this.#results = results
  }

  get results(): readonly CheckResult[] {
    return this.#results
  }

  resultOf(name: CheckName): CheckResult {
    return this.#results.find((result) => result.name === name) ?? { name, status: 'waiting', findings: [] }
  }

  report(result: CheckResult): void {
    this.#results = withResult(this.#results, limitFindings(result))
    this.#unsaved = true
    this.#saving ??= this.#saveUntilCurrent().finally(() => {
      this.#saving = undefined
    })
  }

  /** Ends what has not finished. */
  endUnfinished(status: 'skipped' | 'errored', reason: string): void {
    for (const result of endUnfinished(this.#results, status, reason)) this.report(result)
  }

  /** Adds a note to every check that has not passed. */
  note(text: string): void {
    for (const result of this.#results)
      if (result.status !== 'passed') this.report({ ...result, notes: [...(result.notes ?? []), text] })
  }

  /** Resolves when all changes are stored. Changes after that are stored at once. */
  async saved(): Promise<void> {
    this.#flush.resolve()
    await this.#saving
  }

  async #saveUntilCurrent(): Promise<void> {
    while (this.#unsaved) {
      this.#unsaved = false
      try {
        await saveProgress(this.#context, this.#check, this.#results)
      } catch (error) {
        const { logger } = this.#context
        logger.warn({ err: error, check: this.#check.id }, 'the progress of a check could not be stored')
      }
      await Promise.race([this.#flush.promise, setTimeout(SAVE_EVERY_MS)])
    }
  }
}
