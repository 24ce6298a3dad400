import { invalidRequest, type JobTokenClaims, TrainyardError } from '@trainyard/platform'
import { finished, getCurrentAttempt, superseded } from '../auth/authenticate-trainer.ts'
import { applyBatch, continuation } from '../callback/apply-batch.ts'
import type { CallbackContext } from '../callback/callback-context.ts'
import { cleanText } from '../http/clean-text.ts'
import { parseEvents } from '../journal/parse-events.ts'
import type { SimpleEndpoint, TranslatedReport } from './endpoints.ts'
import type { LeftOutWarnings } from './left-out-warnings.ts'
import { eventOfStarted, type UnnumberedEvent } from './translate.ts'

/** How often a concurrent call of the same attempt can take the sequence number of this one. */
const MAX_TRIES = 20
const MAX_WARNINGS = 20

interface SimpleCall {
  endpoint: SimpleEndpoint
  body: unknown
  warnings: LeftOutWarnings
}

interface SimpleAnswer {
  status: string
  should_continue: boolean
  warnings?: { path: string; detail: string }[] | undefined
}

/** Numbers the events of a call and stores them. Rejects an attempt that reports through the journal. */
export async function reportSimply(
  context: CallbackContext,
  claims: JobTokenClaims,
  { endpoint, body, warnings }: SimpleCall,
): Promise<SimpleAnswer> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { job, attempt } = await getCurrentAttempt(context, claims, { open: true })
    const report = await endpoint.translate(body, { context, job })
    const time = context.clock.now().toISOString()
    const events = withStart([...warnings.newLines(claims, report.leftOut), ...report.events], attempt.last_seq).map(
      (event, index) => ({ ...event, seq: attempt.last_seq + 1 + index, time }),
    )
    if (tries === 0) context.intake.spend(claims.jobId, Math.max(1, events.length))
    const batch = await parseEvents(cleanText(events))
    throwIfRejected(batch.rejected, report)
    const result = await applyBatch(context, claims, {
      channel: 'simple',
      first: events[0]?.seq ?? 0,
      last: events.at(-1)?.seq ?? 0,
      batch,
    })
    if (!result.applied) {
      if (result.currentAttempt > claims.attempt) throw superseded(claims.attempt, result.currentAttempt)
      if (result.closed) throw finished(claims.attempt, result.endReason)
      throw new TrainyardError(
        'conflict',
        'This attempt reports through the journal; the simple endpoints cannot be mixed with it',
      )
    }
    throwIfRejected(result.refused ?? [], report)
    // Otherwise a concurrent call took the number, and the events of this one were skipped as duplicates.
    if (events.length > 0 && result.lastSeq !== attempt.last_seq) continue
    warnings.remember(claims, report.leftOut)
    return answer(report, batch.terminal !== undefined, continuation(result).shouldContinue)
  }
  throw new TrainyardError('unavailable', 'Too many concurrent calls of this attempt', { retryAfterSeconds: 1 })
}

/** The first call of an attempt implies that it started. A later report of its start adds nothing. */
function withStart(events: readonly UnnumberedEvent[], lastSeq: number): UnnumberedEvent[] {
  const others = events.filter(({ type }) => type !== 'started')
  if (lastSeq > 0) return others
  return [events.find(({ type }) => type === 'started') ?? eventOfStarted({}), ...others]
}

function throwIfRejected(rejected: readonly { path: string; detail: string }[], { names }: TranslatedReport): void {
  const [first] = rejected
  if (first === undefined) return
  const path = snakeCase(first.path)
  throw invalidRequest([{ path: names.get(path) ?? path, detail: first.detail }])
}

function answer(report: TranslatedReport, isEnd: boolean, shouldContinue: boolean): SimpleAnswer {
  const result: SimpleAnswer = { status: isEnd ? 'ok' : 'running', should_continue: shouldContinue }
  if (report.leftOut.length > 0)
    result.warnings = report.leftOut.slice(0, MAX_WARNINGS).map(({ path, detail }) => ({ path, detail }))
  return result
}

/** The name of a field of the journal in these endpoints. */
function snakeCase(path: string): string {
  return path.replace(/^result\./, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
