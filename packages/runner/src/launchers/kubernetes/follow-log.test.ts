import { createLogger } from '@trainyard/platform'
import { afterEach, describe, expect, it } from 'vitest'
import { followLog, type LogFollower, type OpenLog, readRest } from './follow-log.ts'
import { parseLogLine, sinceOf } from './log-lines.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const START = { stdout: 0, stderr: 0 }

/** A log as the API server gives it: from a whole second on, breaking off after some characters. */
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
// Several with one time, several in one second.
const LINES = [1_000_001, 1_000_001, 1_000_001, 1_500_000, 2_000_000, 2_000_000, 3_000_000].map(
  (micros, index) => `${time(micros)} line ${index}`,
)
const TEXTS = LINES.map((_, index) => `line ${index}`)

describe('following a log', () => {
  let follower: LogFollower | undefined
  afterEach(() => follower?.stop())

  it('goes on where it broke off, without a gap and without doubles', async () => {
    follower = followLog(logOf([...LINES, ''], [50, 90, 130, 100]), START, logger)
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

  it('gives the same lines again until they are taken, and says when it cannot', async () => {
    follower = followLog(logOf([...LINES, '']), START, logger)
    await expect.poll(() => follower?.take(START)?.lines.length, { timeout: 10_000 }).toBe(7)
    const { position } = follower.take(START) ?? { position: START }
    expect(follower.take(position)).toEqual({ lines: [], position })
    expect(follower.take(START)).toBeUndefined()
  })
})

describe('reading what is left', () => {
  it('takes a last line without its end', async () => {
    const { lines } = await readRest(logOf(LINES), START)
    expect(lines.map(({ text }) => text)).toEqual(TEXTS)
  })

  it.each(LINES.map((_, index) => index))('goes on after line %i', async (index) => {
    const { position } = await readRest(logOf(LINES.slice(0, index + 1)), START)
    const { lines } = await readRest(logOf(LINES), position)
    expect(lines.map(({ text }) => text)).toEqual(TEXTS.slice(index + 1))
  })
})

it('parses times to the microsecond, and leaves out what has none', () => {
  expect(parseLogLine('2026-01-01T00:00:01.5Z 50%\r100%')).toMatchObject([
    { text: '100%', micros: 1_767_225_601_500_000, time: new Date('2026-01-01T00:00:01.500Z') },
  ])
  expect(parseLogLine('unable to retrieve container logs for containerd://0123')).toEqual([])
  expect(sinceOf({ stdout: 1_767_225_601_500_000, stderr: 3 })).toEqual(new Date('2026-01-01T00:00:01Z'))
})
