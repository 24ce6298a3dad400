import { EVENT_LIMITS, EventsRequest, type EventsResponse } from '@trainyard/contract'
import { fieldIssues, invalidRequest, type JobTokenClaims, notFound, TrainyardError } from '@trainyard/platform'
import { finished, successorOf, superseded } from '../auth/authenticate-trainer.ts'
import type { AttemptChannel } from '../db/schema/attempts.ts'
import { tooLarge } from '../http/read-body.ts'
import { type ParsedBatch, parseEvents } from '../journal/parse-events.ts'
import type { CallbackContext } from './callback-context.ts'
import type { StoreEventsResult } from './store-events.ts'

/** `POST /v1/jobs/{id}/events`: the journal. `body` holds nothing that PostgreSQL's text cannot. */
export async function receiveEvents(
  context: CallbackContext,
  claims: JobTokenClaims,
  body: unknown,
): Promise<EventsResponse> {
  const request = parseRequest(body)
  if (request.attempt < claims.attempt) throw superseded(request.attempt, claims.attempt)
  if (request.attempt > claims.attempt)
    throw new TrainyardError(
      'forbidden',
      `The token is for attempt ${claims.attempt}, the events are of ${request.attempt}`,
    )

  context.intake.spend(claims.jobId, Math.max(1, request.events.length))
  const events = inOrder(request.events)
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
    heartbeatSeconds: context.intake.heartbeatSeconds,
    rejected: batch.rejected,
    ...(token === undefined ? {} : { token }),
  }
}

function parseRequest(body: unknown): EventsRequest {
  if (typeof body === 'object' && body !== null && 'events' in body && Array.isArray(body.events)) {
    if (body.events.length > EVENT_LIMITS.maxEvents) throw tooLarge(`${body.events.length} events`, EVENT_LIMITS)
  }
  if (isPlainRequest(body)) return body
  const parsed = EventsRequest.safeParse(body)
  if (!parsed.success) throw invalidRequest(fieldIssues(parsed.error, body))
  return parsed.data
}

/** What the schema would take as it is; it copies every event. */
function isPlainRequest(body: unknown): body is EventsRequest {
  if (typeof body !== 'object' || body === null || !('attempt' in body) || !('events' in body)) return false
  return isNumber(body.attempt, 1_000_000) && Array.isArray(body.events) && body.events.every(isNumbered)
}

const isNumber = (value: unknown, max: number) =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= max

function isNumbered(event: unknown): boolean {
  if (typeof event !== 'object' || event === null || Array.isArray(event) || !('seq' in event)) return false
  return isNumber(event.seq, Number.MAX_SAFE_INTEGER)
}

/** Sorted by number, each number once. */
function inOrder<T extends { seq: number }>(events: readonly T[]): readonly T[] {
  if (events.every((event, index) => index === 0 || event.seq > (events[index - 1]?.seq ?? 0))) return events
  const sorted = [...events].sort((a, b) => a.seq - b.seq)
  return sorted.filter((event, index) => index === 0 || event.seq !== sorted[index - 1]?.seq)
}

export interface ApplyBatchInput {
  channel: AttemptChannel
  first: number
  last: number
  batch: ParsedBatch
}

/** Stores a batch in its turn and tells those who watch. */
export async function applyBatch(
  context: CallbackContext,
  claims: { jobId: number; attempt: number },
  input: ApplyBatchInput,
): Promise<StoreEventsResult> {
  const ref = { jobId: claims.jobId, attempt: claims.attempt }
  const result = await context.intake.store({ ...ref, ...input })
  if (result === undefined) throw notFound('job', `${ref.jobId}, attempt ${ref.attempt}`)
  if (result.applied) {
    context.telemetry.batchStored(input.batch)
    context.hub.changed(ref.jobId)
    if (input.batch.terminal !== undefined) context.hub.wake()
  }
  return result
}

/** Says why nothing was applied, unless all of it is held already: then a lost answer is simply given again. */
function refuse(result: StoreEventsResult, sent: { claims: JobTokenClaims; first: number; last: number }): void {
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
