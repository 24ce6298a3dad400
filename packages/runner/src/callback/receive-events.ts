import { fieldIssues, invalidRequest, notFound, TrainyardError } from '@trainyard/platform'
import { EVENT_LIMITS, EventsRequest, type EventsResponse } from '@trainyard/sdk/contract'
import type { JobClaims, RunnerContext } from '../context.ts'
import type { AttemptChannel } from '../db/schema.ts'
import { cleanText } from '../http/clean-text.ts'
import { tooLarge } from '../http/read-body.ts'
import { endAttempt } from '../jobs/end-attempt.ts'
import { finished, successorOf, superseded } from './authenticate.ts'
import { endOfTerminalEvent } from './end-of-terminal-event.ts'
import { type ParsedBatch, parseEvents } from './parse-events.ts'
import { type StoreEventsResult, storeEvents } from './store-events.ts'

/** `POST /v1/jobs/{id}/events`: the journal. */
export async function receiveEvents(context: RunnerContext, claims: JobClaims, body: unknown): Promise<EventsResponse> {
  const request = parseRequest(body)
  if (request.attempt < claims.attempt) throw superseded(request.attempt, claims.attempt)
  if (request.attempt > claims.attempt)
    throw new TrainyardError(
      'forbidden',
      `The token is for attempt ${claims.attempt}, the events are of ${request.attempt}`,
    )

  const events = inOrder(cleanText(request.events))
  const first = events[0]?.seq ?? 0
  const last = events.at(-1)?.seq ?? 0
  const whole = last - first + (last > 0 ? 1 : 0) === events.length
  const batch = parseEvents(whole ? events : [])
  const result = await applyBatch(context, claims, {
    channel: 'journal',
    // A batch with a hole in it applies nothing; asking for an impossible first number finds out what is held.
    first: whole ? first : Number.MAX_SAFE_INTEGER,
    last: whole ? last : 0,
    batch,
  })
  if (!result.applied) refuse(result, { claims, first: whole ? first : Number.MAX_SAFE_INTEGER, last })
  const token = await successorOf(context, claims)
  return {
    acknowledged: Math.max(result.lastSeq, last),
    ...continuation(result),
    heartbeatSeconds: context.config.heartbeatSeconds,
    rejected: batch.rejected,
    ...(token === undefined ? {} : { token }),
  }
}

function parseRequest(body: unknown): EventsRequest {
  if (typeof body === 'object' && body !== null && 'events' in body && Array.isArray(body.events)) {
    if (body.events.length > EVENT_LIMITS.maxEvents) throw tooLarge(`${body.events.length} events`, EVENT_LIMITS)
  }
  const parsed = EventsRequest.safeParse(body)
  if (!parsed.success) throw invalidRequest(fieldIssues(parsed.error, body))
  return parsed.data
}

/** Sorted by number, each number once. */
function inOrder<T extends { seq: number }>(events: readonly T[]): T[] {
  const sorted = [...events].sort((a, b) => a.seq - b.seq)
  return sorted.filter((event, index) => index === 0 || event.seq !== sorted[index - 1]?.seq)
}

export interface ApplyBatchInput {
  channel: AttemptChannel
  first: number
  last: number
  batch: ParsedBatch
}

/** Stores a batch and, when it holds the terminal event, closes the attempt in the same transaction. */
export async function applyBatch(
  context: RunnerContext,
  claims: { jobId: number; attempt: number },
  input: ApplyBatchInput,
): Promise<StoreEventsResult> {
  const ref = { jobId: claims.jobId, attempt: claims.attempt }
  const stored = { ...ref, ...input, now: context.clock.now(), maxLogLines: context.limits.maxLogLinesPerAttempt }
  const { terminal } = input.batch
  const result =
    terminal === undefined
      ? await storeEvents(context.database.db, stored)
      : await context.database.transaction(async (trx) => {
          const outcome = await storeEvents(trx, stored)
          if (outcome?.applied) await endAttempt(context, trx, ref, endOfTerminalEvent(terminal, outcome.stopReason))
          return outcome
        })
  if (result === undefined) throw notFound('job', `${ref.jobId}, attempt ${ref.attempt}`)
  if (result.applied) {
    context.telemetry.batchStored(input.batch)
    context.hub.changed(ref.jobId)
    if (terminal !== undefined) context.hub.wake()
  }
  return result
}

/** Says why nothing was applied, unless all of it is held already: then a lost answer is simply given again. */
function refuse(result: StoreEventsResult, sent: { claims: JobClaims; first: number; last: number }): void {
  const { attempt } = sent.claims
  if (result.currentAttempt > attempt) throw superseded(attempt, result.currentAttempt)
  if (result.channel !== null && result.channel !== 'journal')
    throw new TrainyardError(
      'conflict',
      'This attempt reports through the simple endpoints; they cannot be mixed with the journal',
    )
  const alreadyHeld = sent.last > 0 && sent.last <= result.lastSeq
  if (result.closed && alreadyHeld) return
  if (result.closed) throw finished(attempt, result.endReason)
  throw new TrainyardError(
    'sequence_gap',
    `Events are missing: the last number held is ${result.lastSeq}, the next must be ${result.lastSeq + 1}`,
    { extra: { acknowledged: result.lastSeq } },
  )
}

export function continuation(result: StoreEventsResult): Pick<EventsResponse, 'shouldContinue' | 'reason'> {
  return result.stopReason === null ? { shouldContinue: true } : { shouldContinue: false, reason: result.stopReason }
}
