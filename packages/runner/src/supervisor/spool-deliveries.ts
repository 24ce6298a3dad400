import { setTimeout as sleep } from 'node:timers/promises'
import { EVENT_LIMITS } from '@trainyard/contract'
import { type SpooledEvent, SpoolReplay } from '@trainyard/contract/spool'
import { createGate, TrainyardError } from '@trainyard/platform'
import type { CallbackContext } from '../callback/callback-context.ts'
import { receiveEvents } from '../callback/receive-events.ts'
import { EVENTS_BODY, readCleanJsonBody } from '../http/read-body.ts'
import { keyOf } from '../jobs/read-attempts.ts'
import type { AttemptRef } from '../launchers/launcher.ts'
import { writePlatformLines } from './platform-log.ts'

/** The SDK keeps 64 MiB of events at most; a file that is mostly acknowledged is compacted before it is twice as large. */
const MAX_FILE_BYTES = 192 * 1024 * 1024
const MAX_PENDING_BYTES = 64 * 1024 * 1024
/** A larger event cannot be part of a request either. */
const MAX_FRAME_BYTES = EVENT_LIMITS.maxBodyBytes
const BATCH_EVENTS = 500
const BATCH_BYTES = EVENT_LIMITS.maxBodyBytes / 2
/** `"seq":9007199254740991,` and a comma. */
const NUMBER_BYTES = 24
/** How often a busy intake is asked again, once a second. */
const MAX_WAITS = 60

/**
 * Delivers what ended trainers left in their spools, beside the supervisor's loop, before it decides how they ended. The events
 * pass the same checks as those that arrive over HTTP.
 */
export class SpoolDeliveries {
  readonly #context: CallbackContext
  readonly #onDone: () => void
  /** Two at once bound the memory, whatever the spools contain. */
  readonly #gate = createGate(2)
  readonly #states = new Map<string, 'running' | 'done'>()

  constructor(context: CallbackContext, onDone: () => void) {
    this.#context = context
    this.#onDone = onDone
  }

  /** Starts the delivery for an ended attempt, and returns whether it has ended. Call it again after `onDone`. */
  isDone(ref: AttemptRef): boolean {
    const key = keyOf(ref)
    const state = this.#states.get(key)
    if (state !== undefined || this.#context.launcher.openSpool === undefined) return state !== 'running'
    this.#states.set(key, 'running')
    this.#gate(() => deliverSpool(this.#context, ref)).then(
      () => this.#end(key, true),
      (error: unknown) => {
        // The database may be unavailable: the next pass begins again, and stored events are not stored twice.
        this.#context.logger.error({ err: error, ...ref }, 'the spool of a trainer could not be delivered; will retry')
        this.#end(key, false)
      },
    )
    return false
  }

  /** Called when the attempt is cleaned up. */
  forget(ref: AttemptRef): void {
    this.#states.delete(keyOf(ref))
  }

  #end(key: string, isDone: boolean): void {
    if (isDone) this.#states.set(key, 'done')
    else this.#states.delete(key)
    this.#onDone()
  }
}

/** Stores the events of a spool that the journal of the attempt lacks, and notes their number in the log of the job. */
async function deliverSpool(context: CallbackContext, ref: AttemptRef): Promise<void> {
  const held = await findHeld(context, ref)
  if (held === undefined) return
  let spool: { events: SpooledEvent[]; isCut: boolean }
  try {
    spool = await readSpool(context, ref)
  } catch (error) {
    context.logger.warn({ err: error, ...ref }, 'the spool of a trainer cannot be read')
    const why = error instanceof Error ? error.message : String(error)
    await writePlatformLines(
      context,
      ref,
      [`The events that the trainer had not delivered cannot be read: ${why}`],
      'warning',
    )
    return
  }
  // Those that were sent keep their order. Numbers continue after what is stored, so that none is missing or stored twice.
  const missing = spool.events.filter(({ seq }) => seq === undefined || seq > held)
  let last = held
  for (const events of batchesOf(missing)) {
    const next = await store(context, ref, events, last)
    if (next === 'closed') break
    last = next
  }
  const cut = spool.isCut ? '. The rest of its spool is damaged or too large, and was not read' : ''
  if (last === held && cut === '') return
  const count = last - held
  const what = count === 1 ? '1 event was' : `${count} events were`
  await writePlatformLines(
    context,
    ref,
    [`${what} delivered from the trainer’s spool after its process had ended${cut}`],
    'warning',
  )
}

/** The last number of the attempt's journal. Undefined when it accepts no events any more, or reports in another way. */
async function findHeld({ database }: CallbackContext, { jobId, attempt }: AttemptRef): Promise<number | undefined> {
  const row = await database.db
    .selectFrom('attempts')
    .select(['last_seq', 'channel', 'closed_at'])
    .where('job_id', '=', jobId)
    .where('attempt', '=', attempt)
    .executeTakeFirst()
  if (row === undefined || row.closed_at !== null) return undefined
  return row.channel === null || row.channel === 'journal' ? row.last_seq : undefined
}

async function readSpool(
  { launcher }: CallbackContext,
  ref: AttemptRef,
): Promise<{ events: SpooledEvent[]; isCut: boolean }> {
  const replay = new SpoolReplay({ maxPendingBytes: MAX_PENDING_BYTES, maxFrameBytes: MAX_FRAME_BYTES })
  const file = await launcher.openSpool?.(ref)
  if (file === undefined) return { events: [], isCut: false }
  let bytes = 0
  let isCut = false
  for await (const chunk of file) {
    bytes += chunk.length
    isCut = bytes > MAX_FILE_BYTES || !replay.push(chunk)
    if (isCut) break
  }
  return { events: replay.pending, isCut: isCut || replay.isCut }
}

type Body = Readonly<Record<string, unknown>>

/** Groups that fit into a request. What is not an object is left out: the trainer's library writes nothing else. */
function* batchesOf(events: readonly SpooledEvent[]): Generator<Body[]> {
  let batch: Body[] = []
  let bytes = 0
  for (const { json } of events) {
    const event = parseObject(json)
    if (event === undefined) continue
    const size = Buffer.byteLength(json) + NUMBER_BYTES
    if (batch.length >= BATCH_EVENTS || (batch.length > 0 && bytes + size > BATCH_BYTES)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(event)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

function parseObject(json: string): Body | undefined {
  try {
    const event: unknown = JSON.parse(json)
    return typeof event === 'object' && event !== null && !Array.isArray(event) ? (event as Body) : undefined
  } catch {
    return undefined
  }
}

/**
 * Passes events to the route of events, with the numbers after `last`, and returns the last number. Leaves out those that a
 * request cannot contain, because they are too large or nested too deeply.
 */
async function store(
  context: CallbackContext,
  ref: AttemptRef,
  events: readonly Body[],
  last: number,
): Promise<number | 'closed'> {
  const refusal = await send(context, ref, events, last)
  if (refusal === undefined) return last + events.length
  if (refusal.code !== 'payload_too_large' && refusal.code !== 'invalid_request') {
    context.logger.warn({ err: refusal, ...ref }, 'events of a spool were refused')
    return 'closed'
  }
  if (events.length === 1) return last
  const middle = Math.ceil(events.length / 2)
  const afterFirst = await store(context, ref, events.slice(0, middle), last)
  return afterFirst === 'closed' ? afterFirst : await store(context, ref, events.slice(middle), afterFirst)
}

/** Sends one request, and waits while the intake is busy. Returns why it was refused. */
async function send(
  context: CallbackContext,
  { jobId, attempt }: AttemptRef,
  events: readonly Body[],
  last: number,
): Promise<TrainyardError | undefined> {
  const now = context.clock.now()
  const claims = { jobId, attempt, issuedAt: now, expiresAt: new Date(now.getTime() + 60_000) }
  for (let waits = 0; ; waits++) {
    try {
      // Written again from parsed events: text that only looks like the rest of an object must not change the request.
      const body = JSON.stringify({ attempt, events: events.map((event, at) => ({ ...event, seq: last + 1 + at })) })
      const request = new Request('http://spool.invalid/', { method: 'POST', body })
      await receiveEvents(context, claims, await readCleanJsonBody(request, EVENTS_BODY))
      return undefined
    } catch (error) {
      if (error instanceof RangeError) return new TrainyardError('payload_too_large', 'the event is nested too deeply')
      if (!(error instanceof TrainyardError)) throw error
      if (error.code !== 'rate_limited') return error
      if (waits >= MAX_WAITS) throw error
      await sleep(1000, undefined, { ref: false })
    }
  }
}
