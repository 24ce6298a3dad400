import type { CheckName, CheckResult, Finding } from '@trainyard/contract'
import { DatabaseUnavailable } from '@trainyard/platform'
import { hasErrors } from '../versions/check-results.ts'
import type { CheckProgress } from './check-progress.ts'
import type { AcceptanceCheck, CheckEnd, CheckInput, CheckReporter } from './checks/check.ts'
import type { Suppress } from './suppressions.ts'

export interface RunOneCheckOptions {
  check: AcceptanceCheck
  input: CheckInput
  progress: CheckProgress
  /** Marks the findings that the owner has suppressed. */
  suppress: Suppress
  /** After this time the check is told to stop, and has errored. */
  timeoutMs: number
  /** How long it may take to stop. It is abandoned after that. Default 15,000. */
  graceMs?: number | undefined
  /** Aborted when the registry stops or the lease is lost. */
  signal: AbortSignal
}

/** Runs one check within its limits and reports its result, while it runs and when it has ended. */
export async function runOneCheck(options: RunOneCheckOptions): Promise<void> {
  const { check, input, progress, suppress, signal } = options
  const { clock, logger } = input.context
  const startedMs = performance.now()
  const findings = new Map<string, Finding>()
  const running: CheckResult = {
    ...progress.resultOf(check.name),
    status: 'running',
    startedAt: clock.now().toISOString(),
    findings: [],
  }
  progress.report(running)
  let ended = false
  let advanced: CheckResult['progress']
  const show = () => {
    if (!ended) progress.report({ ...running, progress: advanced, findings: [...findings.values()] })
  }
  const add = (added: readonly Finding[] = []) => {
    for (const finding of added) findings.set(finding.fingerprint, suppress(check.name, finding))
  }
  const reporter: CheckReporter = {
    found(...added) {
      add(added)
      if (added.length > 0) show()
    },
    advanced(next) {
      advanced = next
      show()
    },
  }
  const end = await runWithin(options, reporter).catch((error: unknown): CheckEnd => {
    signal.throwIfAborted()
    // Without the database, no result can be stored: the whole check is tried again.
    if (error instanceof DatabaseUnavailable) throw error
    logger.error({ err: error, check: input.part.id, name: check.name }, 'a check failed')
    return { outcome: 'errored', reason: error instanceof Error ? error.message : String(error), fault: 'platform' }
  })
  ended = true
  add(end.findings)
  progress.report(resultOf(running, end, { findings: [...findings.values()], startedMs }))
}

function resultOf(
  running: CheckResult,
  end: CheckEnd,
  { findings, startedMs }: { findings: Finding[]; startedMs: number },
): CheckResult {
  const status = hasErrors(findings) ? 'failed' : end.outcome === 'done' ? 'passed' : end.outcome
  return {
    ...running,
    status,
    reason: end.outcome === 'done' ? undefined : end.reason,
    fault: end.outcome === 'errored' && status === 'errored' ? end.fault : undefined,
    durationMs: Math.round(performance.now() - startedMs),
    scanner: end.scanner,
    notes: end.notes && [...end.notes],
    findings,
  }
}

/** Ends with `errored` at the time limit, even if the check ignores the signal. */
async function runWithin(
  { check, input, timeoutMs, graceMs = 15_000, signal }: RunOneCheckOptions,
  reporter: CheckReporter,
): Promise<CheckEnd> {
  const limit = new AbortController()
  const abandoned = Promise.withResolvers<CheckEnd>()
  const tooLong: CheckEnd = {
    outcome: 'errored',
    reason: `not finished after ${timeoutMs / 1000} s, its time limit`,
  }
  let abandoning: NodeJS.Timeout | undefined
  const timer = setTimeout(() => {
    limit.abort()
    abandoning = setTimeout(() => abandoned.resolve(tooLong), graceMs)
  }, timeoutMs)
  try {
    const run = check.run(input, reporter, AbortSignal.any([signal, limit.signal])).catch((error: unknown) => {
      if (limit.signal.aborted && !signal.aborted) return tooLong
      throw error
    })
    return await Promise.race([run, abandoned.promise])
  } finally {
    clearTimeout(timer)
    clearTimeout(abandoning)
  }
}

/** The result of a check that the operator has switched off. */
export function switchedOff(result: CheckResult, name: CheckName): CheckResult {
  return { ...result, status: 'skipped', reason: `the operator of this registry has switched off the check "${name}"` }
}
