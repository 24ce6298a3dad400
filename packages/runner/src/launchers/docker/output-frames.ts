import type { OutputLine, OutputPosition } from '../launcher.ts'

const MAX_LINE_LENGTH = 16_384
/** Of a line without an end, a progress bar say, only the last piece is looked at. */
const MAX_PENDING_LENGTH = 4 * MAX_LINE_LENGTH
/** Both streams come in one order that may be a little wrong; a stream that says nothing follows the other this far behind. */
const LAG_NS = 5e9
const HEADER_BYTES = 8

interface Stream {
  source: OutputLine['source']
  /** Nanoseconds after the container was made, of the last line that was given. */
  position: number
  pending?: { text: string; at: number }
}

/**
 * Reads the engine's log stream: frames of a header with stream and length, then a time and what was written. Lines up to
 * `from` are left out. The engine writes the same time on all pieces of a long line, and never the same on two lines, so
 * a time is a position.
 */
export function createFrameReader(from: OutputPosition, createdAt: bigint) {
  const streams: Record<1 | 2, Stream> = {
    1: { source: 'stdout', position: from.stdout },
    2: { source: 'stderr', position: from.stderr },
  }
  const lines: OutputLine[] = []
  let rest: Buffer = Buffer.alloc(0)

  const give = (stream: Stream, text: string, at: number) => {
    const shown = lastState(text)
    stream.position = at
    if (shown.trim() !== '')
      lines.push({
        source: stream.source,
        text: shown.slice(0, MAX_LINE_LENGTH),
        time: new Date(Number((createdAt + BigInt(at)) / 1_000_000n)),
      })
  }
  const take = (kind: number, payload: Buffer) => {
    if (kind !== 1 && kind !== 2) return
    const stream = streams[kind]
    const space = payload.indexOf(0x20)
    const time = parseTime(payload.subarray(0, space).toString('latin1'))
    if (time === undefined) return
    const at = Number(time - createdAt)
    if (at <= stream.position) return
    const written = payload.subarray(space + 1).toString('utf8')
    const text = ((stream.pending?.text ?? '') + written).slice(-MAX_PENDING_LENGTH)
    if (written.endsWith('\n')) {
      delete stream.pending
      give(stream, text.slice(0, -1), at)
    } else {
      stream.pending = { text, at: stream.pending?.at ?? at }
    }
  }

  return {
    lines,
    push(chunk: Buffer): void {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      while (rest.length >= HEADER_BYTES) {
        const end = HEADER_BYTES + rest.readUInt32BE(4)
        if (rest.length < end) return
        take(rest[0] ?? 0, rest.subarray(HEADER_BYTES, end))
        rest = rest.subarray(end)
      }
    },
    /** How far the lines go; with `final` a last line that has no end is given too. */
    finish(final: boolean): OutputPosition {
      const both = [streams[1], streams[2]]
      if (final)
        for (const stream of both)
          if (stream.pending !== undefined) {
            const { text, at } = stream.pending
            delete stream.pending
            give(stream, text, at)
          }
      const ahead = Math.max(streams[1].position, streams[2].position)
      const follow = ({ position, pending }: Stream) =>
        pending === undefined ? Math.max(position, ahead - LAG_NS) : position
      return { stdout: follow(streams[1]), stderr: follow(streams[2]) }
    },
  }
}

/** Nanoseconds since 1970 of a time as the engine writes it. */
export function parseTime(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  const [, seconds = '', fraction = '', zone = 'Z'] = match ?? []
  if (match === null) return undefined
  return BigInt(Date.parse(seconds + zone)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

/** What a terminal would show: progress bars overwrite themselves with carriage returns. */
function lastState(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  return text.slice(text.lastIndexOf('\r') + 1)
}
