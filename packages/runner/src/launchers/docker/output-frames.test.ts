import { describe, expect, it } from 'vitest'
import { FrameReader, parseTime } from './output-frames.ts'

const START = '2026-01-01T00:00:00.000000000Z'
const createdAt = parseTime(START) ?? 0n
const none = { stdout: 0, stderr: 0 }

/** A frame in the engine's format, written `at` nanoseconds after the start. */
function frame(kind: 1 | 2, at: number, text: string): Buffer {
  const seconds = String(Math.floor(at / 1e9)).padStart(2, '0')
  const payload = Buffer.from(`2026-01-01T00:00:${seconds}.${String(at % 1e9).padStart(9, '0')}Z ${text}`)
  const header = Buffer.alloc(8)
  header[0] = kind
  header.writeUInt32BE(payload.length, 4)
  return Buffer.concat([header, payload])
}
function read(frames: Buffer[], from = none, final = false, chunk = 7) {
  const reader = new FrameReader(from, createdAt)
  const bytes = Buffer.concat(frames)
  for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk))
  const { lines, position } = reader.finish(final)
  return { texts: lines.map(({ source, text }) => `${source}: ${text}`), lines, position }
}

describe('the engine’s log stream', () => {
  const frames = [frame(1, 100, 'one\n'), frame(2, 150, 'oops\n'), frame(1, 200, 'two\n'), frame(1, 201, 'three\n')]

  it('is separated by stream, wherever chunks are cut', () => {
    for (const chunk of [1, 7, 1000])
      expect(read(frames, none, false, chunk).texts).toEqual([
        'stdout: one',
        'stderr: oops',
        'stdout: two',
        'stdout: three',
      ])
  })

  it('can be resumed after any line without missing or repeating one', () => {
    for (let cut = 0; cut <= frames.length; cut++) {
      const before = read(frames.slice(0, cut))
      const after = read(frames, before.position)
      expect([...before.texts, ...after.texts].toSorted()).toEqual(read(frames).texts.toSorted())
    }
  })

  it('has the time of each line', () => {
    expect(read([frame(1, 12_345_678_901, 'x\n')]).lines[0]?.time.toISOString()).toBe('2026-01-01T00:00:12.345Z')
  })

  it('joins the parts of a long line and waits for its end', () => {
    const pieces = [frame(1, 100, 'a'.repeat(10)), frame(1, 100, 'b'.repeat(10))]
    expect(read(pieces)).toMatchObject({ texts: [], position: none })
    expect(read([...pieces, frame(1, 100, 'c\n'), frame(1, 300, 'next\n')]).texts).toEqual([
      `stdout: ${'a'.repeat(10)}${'b'.repeat(10)}c`,
      'stdout: next',
    ])
  })

  it('includes a last line without a newline in the final read', () => {
    const last = read([frame(2, 100, 'the very last')], none, true)
    expect(last.texts).toEqual(['stderr: the very last'])
    expect(read([frame(2, 100, 'the very last')], last.position, true).texts).toEqual([])
  })

  it('contains the final state of a progress bar', () => {
    expect(read([frame(2, 100, '10%\r50%\r100%\r\n'), frame(2, 200, '   \n')]).texts).toEqual(['stderr: 100%'])
  })

  it('advances the position of a silent stream, but not past an incomplete line', () => {
    expect(read([frame(1, 9e9, 'late\n')]).position).toEqual({ stdout: 9e9, stderr: 4e9 })
    expect(read([frame(2, 100, 'begun'), frame(1, 9e9, 'late\n')]).position).toEqual({ stdout: 9e9, stderr: 0 })
  })
})

it('parses times to the nanosecond', () => {
  expect(parseTime('2026-01-01T00:00:00.000000001Z')).toBe(createdAt + 1n)
  expect(parseTime('2026-01-01T01:00:00.5+01:00')).toBe(createdAt + 500_000_000n)
  expect(parseTime('yesterday')).toBeUndefined()
})
