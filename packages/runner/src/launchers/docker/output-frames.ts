import type { Output, OutputLine, OutputPosition } from '../launcher.ts'
import { finalText, MAX_LINE_LENGTH } from '../output-text.ts'

/** Of a line that does not end, such as a progress bar, only the last part is kept. */
const MAX_PENDING_LENGTH = 4 * MAX_LINE_LENGTH
/** Frames of the two streams may arrive slightly out of order, so the position of a silent stream stays this far back. */
const LAG_NS = 5e9
const HEADER_BYTES = 8

interface Stream {
  source: OutputLine['source']
  /** Of the last line that was returned, in nanoseconds after the container's creation. */
  position: number
  pending?: { text: string; at: number } | undefined
}

/**
 * Parses the engine's log stream. Each frame has a header with stream and length, then a timestamp and text. The engine
 * writes the same timestamp on all parts of a long line and a different one on every line, so a timestamp is a position.
 * Lines up to `from` are skipped.
 */
export class FrameReader {
  readonly lines: OutputLine[] = []
  readonly #createdAt: bigint
  readonly #stdout: Stream
  readonly #stderr: Stream
  #rest: Buffer = Buffer.alloc(0)

  constructor(from: OutputPosition, createdAt: bigint) {
    this.#createdAt = createdAt
    this.#stdout = { source: 'stdout', position: from.stdout }
    this.#stderr = { source: 'stderr', position: from.stderr }
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + this.#rest.readUInt32BE(4)
      if (this.#rest.length < end) return
      this.#readFrame(this.#rest[0] ?? 0, this.#rest.subarray(HEADER_BYTES, end))
      this.#rest = this.#rest.subarray(end)
    }
  }

  /** The lines and their position. With `final`, includes a last line without a newline. */
  finish(final: boolean): Output {
    const streams = [this.#stdout, this.#stderr]
    for (const stream of final ? streams : []) {
      const { pending } = stream
      if (pending === undefined) continue
      stream.pending = undefined
      this.#add(stream, pending.text, pending.at)
    }
    const ahead = Math.max(...streams.map(({ position }) => position))
    const positionOf = ({ position, pending }: Stream) =>
      pending === undefined ? Math.max(position, ahead - LAG_NS) : position
    return { lines: this.lines, position: { stdout: positionOf(this.#stdout), stderr: positionOf(this.#stderr) } }
  }

  #readFrame(kind: number, payload: Buffer): void {
    const stream = kind === 1 ? this.#stdout : kind === 2 ? this.#stderr : undefined
    if (stream === undefined) return
    const space = payload.indexOf(0x20)
    const time = parseTime(payload.subarray(0, space).toString('latin1'))
    if (time === undefined) return
    const at = Number(time - this.#createdAt)
    if (at <= stream.position) return
    const written = payload.subarray(space + 1).toString('utf8')
    const text = ((stream.pending?.text ?? '') + written).slice(-MAX_PENDING_LENGTH)
    if (!written.endsWith('\n')) {
      stream.pending = { text, at: stream.pending?.at ?? at }
      return
    }
    stream.pending = undefined
    this.#add(stream, text.slice(0, -1), at)
  }

  #add(stream: Stream, line: string, at: number): void {
    stream.position = at
    const text = finalText(line)
    if (text.trim() === '') return
    const time = new Date(Number((this.#createdAt + BigInt(at)) / 1_000_000n))
    this.lines.push({ source: stream.source, text, time })
  }
}

/** Parses a timestamp of the engine into nanoseconds since 1970. */
export function parseTime(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (match === null) return undefined
  const [, seconds = '', fraction = '', zone = 'Z'] = match
  return BigInt(Date.parse(seconds + zone)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
