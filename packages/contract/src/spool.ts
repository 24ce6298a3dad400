/**
 * The file in which a trainer keeps the events that the platform has not acknowledged: `@trainyard/sdk` writes it, and the
 * runner reads what is left after the process has ended. Loads zod.
 *
 * @module
 */
import { crc32 } from 'node:zlib'
import { z } from 'zod'

/** The spool of an attempt, relative to its `WORK_DIR`. */
export const spoolPath = (attempt: number): string => `.trainyard/journal-${attempt}.spool`

const SpoolChange = z.discriminatedUnion('op', [
  z.object({ op: z.literal('number'), first: z.number().int().positive(), count: z.number().int().positive() }),
  z.object({ op: z.literal('drop'), ids: z.array(z.number().int()) }),
  z.object({ op: z.literal('reported') }),
  z.object({ op: z.literal('acknowledge'), seq: z.number().int().nonnegative() }),
  z.object({
    op: z.literal('base'),
    nextSeq: z.number().int().positive(),
    loss: z.record(z.string(), z.number()).optional(),
  }),
])

/**
 * A change of the journal's queue. The spool is the log of these changes: replaying it restores the queue.
 *
 * - `event`: an event without a number. Events get their sequence number when they are first sent, not when they happen: an
 *   event that is dropped before then leaves no gap.
 * - `number`: the next `count` events without a number were given `first`, `first` + 1, …
 * - `drop`: events that were dropped because the queue was full
 * - `reported`: the events dropped so far were reported
 * - `acknowledge`: the platform holds every event up to `seq`
 * - `base`: start of a compacted file, with the next sequence number and the dropped events that were not reported yet
 */
export type SpoolRecord = { op: 'event'; id: number; json: string; priority: number } | z.infer<typeof SpoolChange>

/** Length and CRC-32, four bytes each, little-endian. The text follows. */
export const SPOOL_HEADER_BYTES = 8

export interface SpoolFrames {
  records: SpoolRecord[]
  /** The bytes of the complete, undamaged frames at the start. */
  validBytes: number
  /** Whether the frame after them is damaged, instead of incomplete. */
  isDamaged: boolean
}

/** Reads the frames at the start of `chunk`. Frames above `maxFrameBytes` count as damaged. Never throws. */
export function readSpoolFrames(chunk: Uint8Array, maxFrameBytes = 64 * 1024 * 1024): SpoolFrames {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  const records: SpoolRecord[] = []
  let offset = 0
  while (offset + SPOOL_HEADER_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(offset)
    const end = offset + SPOOL_HEADER_BYTES + length
    // After a power cut the end of a file may be zeros: the length was written before the data.
    if (length === 0 || length > maxFrameBytes) return { records, validBytes: offset, isDamaged: true }
    if (end > bytes.length) break
    const payload = bytes.subarray(offset + SPOOL_HEADER_BYTES, end)
    const isWhole = crc32(payload) === bytes.readUInt32LE(offset + 4)
    const record = isWhole ? decode(payload.toString('utf8')) : undefined
    if (record === undefined) return { records, validBytes: offset, isDamaged: true }
    records.push(record)
    offset = end
  }
  return { records, validBytes: offset, isDamaged: false }
}

/** Events are most of the records: their JSON is stored as it is, not as a string inside of JSON. */
export function encodeSpoolRecord(record: SpoolRecord): string {
  return record.op === 'event' ? `e${record.id} ${record.priority} ${record.json}` : JSON.stringify(record)
}

function decode(text: string): SpoolRecord | undefined {
  if (!text.startsWith('e')) {
    try {
      return SpoolChange.safeParse(JSON.parse(text)).data
    } catch {
      return undefined
    }
  }
  const afterId = text.indexOf(' ')
  const afterPriority = text.indexOf(' ', afterId + 1)
  const id = Number(text.slice(1, afterId))
  const priority = Number(text.slice(afterId + 1, afterPriority))
  if (afterPriority < 0 || !Number.isSafeInteger(id) || !(priority >= 0 && priority <= 5)) return undefined
  return { op: 'event', id, priority, json: text.slice(afterPriority + 1) }
}

/** An event that was not acknowledged: its JSON without a number, and the number that it was sent with, if it was sent. */
export interface SpooledEvent {
  seq: number | undefined
  json: string
}

/** Replays a spool piece by piece. The time and the memory that it takes are bounded, whatever the file contains. */
export class SpoolReplay {
  readonly #maxPendingBytes: number
  readonly #maxFrameBytes: number
  #rest: Buffer = Buffer.alloc(0)
  #numbered: SpooledEvent[] = []
  #acknowledgedCount = 0
  readonly #unnumbered = new Map<number, string>()
  #pendingBytes = 0
  #isOver = false

  constructor({ maxPendingBytes, maxFrameBytes }: { maxPendingBytes: number; maxFrameBytes: number }) {
    this.#maxPendingBytes = maxPendingBytes
    this.#maxFrameBytes = maxFrameBytes
  }

  /** False once the file is damaged or holds too much: what follows is not read. */
  push(chunk: Uint8Array): boolean {
    if (this.#isOver) return false
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const { records, validBytes, isDamaged } = readSpoolFrames(bytes, this.#maxFrameBytes)
    for (const record of records) this.#apply(record)
    this.#rest = Buffer.from(bytes.subarray(validBytes))
    this.#isOver ||= isDamaged
    return !this.#isOver
  }

  /** Whether something was left unread: a damaged part, or more than the limits allow. A torn last frame is normal. */
  get isCut(): boolean {
    return this.#isOver
  }

  /** The events that the platform has not acknowledged, in order. */
  get pending(): SpooledEvent[] {
    const unsent = [...this.#unnumbered.values()].map((json) => ({ seq: undefined, json }))
    return [...this.#numbered.slice(this.#acknowledgedCount), ...unsent]
  }

  #apply(record: SpoolRecord): void {
    if (this.#isOver) return
    switch (record.op) {
      case 'event':
        this.#pendingBytes += record.json.length
        if (this.#pendingBytes > this.#maxPendingBytes) this.#isOver = true
        else this.#unnumbered.set(record.id, record.json)
        return
      case 'number': {
        let seq = record.first
        for (const [id, json] of this.#unnumbered) {
          if (seq >= record.first + record.count) break
          this.#numbered.push({ seq: seq++, json })
          this.#unnumbered.delete(id)
        }
        return
      }
      case 'drop':
        for (const id of record.ids) {
          this.#pendingBytes -= this.#unnumbered.get(id)?.length ?? 0
          this.#unnumbered.delete(id)
        }
        return
      case 'acknowledge':
        for (let next = this.#numbered[this.#acknowledgedCount]; ; next = this.#numbered[this.#acknowledgedCount]) {
          if (next?.seq === undefined || next.seq > record.seq) break
          this.#pendingBytes -= next.json.length
          this.#acknowledgedCount++
        }
        // Not for every record, which would move the rest of the list each time.
        if (this.#acknowledgedCount > 10_000) {
          this.#numbered = this.#numbered.slice(this.#acknowledgedCount)
          this.#acknowledgedCount = 0
        }
        return
      case 'reported':
      case 'base':
        return
    }
  }
}
