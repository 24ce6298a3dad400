import { EVENT_LIMITS, EventsRequest, type EventsResponse } from '@trainyard/contract'
import { bodyTooLarge, fieldIssues, invalidRequest, type JobTokenClaims, TrainyardError } from '@trainyard/platform'
import { finished, successorOf, superseded } from '../auth/authenticate-trainer.ts'
import { parseEvents } from '../journal/parse-events.ts'
import { applyBatch, continuation } from './apply-batch.ts'
import type { CallbackContext } from './callback-context.ts'
import type { StoreEventsResult } from './store-events.ts'

/** `POST /v1/jobs/{id}/events`. `body` must not contain characters that PostgreSQL cannot store. */
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
      `The token is for attempt ${claims.attempt}, the events are of attempt ${request.attempt}`,
    )

  context.intake.spend(claims.jobId, Math.max(1, request.events.length))
  const events = inOrder(request.events)
  const first = events[0]?.seq ?? 0
  const last = events.at(-1)?.seq ?? 0
  const isWhole = last - first + (last > 0 ? 1 : 0) === events.length
  const batch = await parseEvents(isWhole ? events : [])
  const result = await applyBatch(context, claims, {
    channel: 'journal',
    // A batch with a gap inside is not applied. An impossible first number makes the store report what it holds.
    first: isWhole ? first : Number.MAX_SAFE_INTEGER,
    last: isWhole ? last : 0,
    batch,
  })
  if (!result.applied) throwUnlessHeld(result, { attempt: claims.attempt, last })
  return {
    acknowledged: Math.max(result.lastSeq, last),
    ...continuation(result),
    heartbeatSeconds: context.intake.heartbeatSeconds,
    rejected: [...batch.rejected, ...(result.refused ?? [])].toSorted((a, b) => a.seq - b.seq),
    token: await successorOf(context, claims),
  }
}

function parseRequest(body: unknown): EventsRequest {
  if (typeof body === 'object' && body !== null && 'events' in body && Array.isArray(body.events)) {
    if (body.events.length > EVENT_LIMITS.maxEvents) throw bodyTooLarge(`${body.events.length} events`, EVENT_LIMITS)
  }
  if (isPlainRequest(body)) return body
  const parsed = EventsRequest.safeParse(body)
  if (!parsed.success) throw invalidRequest(fieldIssues(parsed.error, body))
  return parsed.data
}

/** Whether the schema accepts the body without changes. The schema itself copies every event. */
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

/** Sorted by sequence number, without duplicates. */
function inOrder<T extends { seq: number }>(events: readonly T[]): readonly T[] {
  if (events.every((event, index) => index === 0 || event.seq > (events[index - 1]?.seq ?? 0))) return events
  const sorted = [...events].sort((a, b) => a.seq - b.seq)
  return sorted.filter((event, index) => index === 0 || event.seq !== sorted[index - 1]?.seq)
}

/** Throws the reason why a batch was not applied. A batch that is already stored is acknowledged again instead. */
function throwUnlessHeld(result: StoreEventsResult, { attempt, last }: { attempt: number; last: number }): void {
  if (result.currentAttempt > attempt) throw superseded(attempt, result.currentAttempt)
  if (result.channel !== null && result.channel !== 'journal')
    throw new TrainyardError(
      'conflict',
      'This attempt reports through the simple endpoints; they cannot be mixed with the journal',
    )
  const isHeld = last > 0 && last <= result.lastSeq
  if (result.closed && isHeld) return
  if (result.closed) throw finished(attempt, result.endReason)
  throw new TrainyardError(
    'sequence_gap',
    `Events are missing: the last stored number is ${result.lastSeq}, the next must be ${result.lastSeq + 1}`,
    { extra: { acknowledged: result.lastSeq } },
  )
}
