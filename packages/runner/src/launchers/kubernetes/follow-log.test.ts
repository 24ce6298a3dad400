import { createLogger } from '@trainyard/platform'
import { afterEach, describe, expect, it } from 'vitest'
import { LogFollower, type OpenLog, readRest } from './follow-log.ts'
import { sinceOf } from './log-lines.ts'
import { parseLogLine } from './parse-log-line.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const START = { stdout: 0, stderr: 0 }

/** A log as the API server returns it: from a whole second on. It breaks off after these numbers of characters. */
function logOf(lines: readonly string[], breaks: number[] = []): OpenLog {
  return async function* ({ since, follow, signal }) {
    const from =
      since === undefined ? lines : lines.filter((line) => line === '' || new Date(`${line.slice(0, 19)}Z`) >= since)
    const text = from.join('\n')
    const limit = follow ? breaks.shift() : undefined
    for (let at = 0; at < (limit ?? text.length); at += 7) yield text.slice(at, Math.min(at + 7, limit ?? text.length))
    if (limit !== undefined) throw new Error('socket hang up')
    if (follow) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  }
}
const time = (micros: number) => `2026-01-01T00:00:0${(micros / 1e6).toFixed(6)}789Z`
// Some have the same time, and some the same second.
const LINES = [1_000_001, 1_000_001, 1_000_001, 1_500_000, 2_000_000, 2_000_000, 3_000_000].map(
  (micros, index) => `${time(micros)} line ${index}`,
)
const TEXTS = LINES.map((_, index) => `line ${index}`)

describe('LogFollower', () => {
  let follower: LogFollower | undefined
  afterEach(() => follower?.stop())

  it('continues where the log broke off, without missing or repeating a line', async () => {
    follower = new LogFollower(logOf([...LINES, ''], [50, 90, 130, 100]), START, logger)
    const texts: string[] = []
    let position = START
    await expect
      .poll(
        () => {
          const taken = follower?.take(position)
          texts.push(...(taken?.lines.map(({ text }) => text) ?? []))
          position = taken?.position ?? position
          return texts
        },
        { timeout: 20_000 },
      )
      .toEqual(TEXTS)
  })

  it('returns the same lines until they are taken, and undefined afterwards', async () => {
    follower = new LogFollower(logOf([...LINES, '']), START, logger)
    await expect.poll(() => follower?.take(START)?.lines.length, { timeout: 10_000 }).toBe(7)
    const { position } = follower.take(START) ?? { position: START }
    expect(follower.take(position)).toEqual({ lines: [], position })
    expect(follower.take(START)).toBeUndefined()
  })
})

describe('readRest', () => {
  it('includes a last line without a newline', async () => {
    const { lines } = await readRest(logOf(LINES), START)
    expect(lines.map(({ text }) => text)).toEqual(TEXTS)
  })

  it.each(LINES.map((_, index) => index))('continues after line %i', async (index) => {
    const { position } = await readRest(logOf(LINES.slice(0, index + 1)), START)
    const { lines } = await readRest(logOf(LINES), position)
    expect(lines.map(({ text }) => text)).toEqual(TEXTS.slice(index + 1))
  })
})

it('parses times to the microsecond, and skips lines without a time', () => {
  expect(parseLogLine('2026-01-01T00:00:01.5Z 50%\r100%')).toMatchObject([
    { text: '100%', micros: 1_767_225_601_500_000, time: new Date('2026-01-01T00:00:01.500Z') },
  ])
  expect(parseLogLine('unable to retrieve container logs for containerd://0123')).toEqual([])
  expect(sinceOf({ stdout: 1_767_225_601_500_000, stderr: 3 })).toEqual(new Date('2026-01-01T00:00:01Z'))
})
