import { invalidRequest, type JobTokenClaims, TrainyardError } from '@trainyard/platform'
import { finished, getCurrentAttempt, superseded } from '../auth/authenticate-trainer.ts'
import { applyBatch, continuation } from '../callback/apply-batch.ts'
import type { CallbackContext } from '../callback/callback-context.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { cleanText } from '../http/clean-text.ts'
import { parseEvents } from '../journal/parse-events.ts'
import type { UnnumberedEvent } from './translate.ts'

/** How often a concurrent call of the same attempt can take the sequence number of this one. */
const MAX_TRIES = 20

/** Numbers the events of a call and stores them. Rejects an attempt that reports through the journal. */
export async function reportSimply(
  context: CallbackContext,
  claims: JobTokenClaims,
  eventsFor: (job: JobRow) => UnnumberedEvent[],
): Promise<{ status: string; should_continue: boolean }> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { job, attempt } = await getCurrentAttempt(context, claims, { open: true })
    const time = context.clock.now().toISOString()
    const events = eventsFor(job).map((event, index) => ({ ...event, seq: attempt.last_seq + 1 + index, time }))
    if (tries === 0) context.intake.spend(claims.jobId, Math.max(1, events.length))
    const batch = parseEvents(cleanText(events))
    const [rejected] = batch.rejected
    if (rejected !== undefined) throw invalidRequest([{ path: snakeCase(rejected.path), detail: rejected.detail }])
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
    const [refused] = result.refused ?? []
    if (refused !== undefined) throw invalidRequest([{ path: snakeCase(refused.path), detail: refused.detail }])
    // Otherwise a concurrent call took the number, and the events of this one were skipped as duplicates.
    if (events.length === 0 || result.lastSeq === attempt.last_seq)
      return {
        status: batch.terminal === undefined ? 'running' : 'ok',
        should_continue: continuation(result).shouldContinue,
      }
  }
  throw new TrainyardError('unavailable', 'Too many concurrent calls of this attempt', { retryAfterSeconds: 1 })
}

/** The name of a field of the journal in these endpoints. */
function snakeCase(path: string): string {
  return path.replace(/^result\./, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
