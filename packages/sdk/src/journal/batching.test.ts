import nodeFs, { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PlatformAnswer, PlatformApi } from '../http/platform-api.ts'
import { createTokenSource } from '../http/token-source.ts'
import { Journal } from './journal.ts'
import type { JournalOptions } from './journal-options.ts'
import type { NewEvent } from './new-event.ts'

const HOUR = 3_600_000
/** In order: the steps and types of each request, or "sync". */
let happened: (string | (string | number)[])[]
let dir: string
let journals: Journal[]
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-batching-'))
  happened = []
  journals = []
})
afterEach(async () => {
  for (const journal of journals) await journal.close({ timeoutMs: 1 })
  rmSync(dir, { recursive: true, force: true })
})

/** A journal whose platform accepts everything, after its first request, which always carries one event. */
async function openJournal(options: Partial<JournalOptions> = {}): Promise<Journal> {
  const once: PlatformApi['once'] = async (_method, _path, { body } = {}) => {
    const { events } = JSON.parse(String(body)) as { events: { seq: number; type: string; step?: number }[] }
    happened.push(events.map(({ type, step }) => step ?? type))
    const json = { acknowledged: events.at(-1)?.seq ?? 0, shouldContinue: true, heartbeatSeconds: 3600 }
    return { status: 200, json, problem: undefined, retryAfterMs: undefined, sentToken: '' } satisfies PlatformAnswer
  }
  const fileSystem = {
    ...nodeFs,
    fdatasyncSync(fd: number) {
      nodeFs.fdatasyncSync(fd)
      happened.push('sync')
    },
  }
  const token = createTokenSource({ token: 'token' })
  const journal = new Journal({
    api: { once, call: once },
    token,
    attempt: 1,
    spoolFile: join(dir, 'spool'),
    fileSystem,
    ...options,
  })
  journals.push(journal)
  journal.append({ type: 'started' })
  await journal.flush({ timeoutMs: 60_000 })
  expect(happened).toEqual([['started']])
  happened = []
  return journal
}

const step = (number: number): NewEvent => ({ type: 'progress', step: number, metrics: { loss: 1 } })
const info = (message: string): NewEvent => ({ type: 'log', level: 'info', message })
/** Long enough for a request that is not delayed on purpose. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 30))

describe('appended events are sent', () => {
  it('when they fill a request by number, and not before', async () => {
    const journal = await openJournal({ batch: { maxEvents: 5, delayMs: HOUR } })
    for (let number = 0; number < 4; number++) journal.append(info('x'))
    await settle()
    expect(happened).toEqual([])
    journal.append(info('x'))
    await expect.poll(() => happened, { timeout: 60_000 }).toEqual([Array(5).fill('log')])
  })

  it('when they fill a request by size', async () => {
    const journal = await openJournal({ batch: { maxBytes: 2000, delayMs: HOUR } })
    journal.append(info('x'))
    await settle()
    expect(happened).toEqual([])
    journal.append(info('x'.repeat(2000)))
    // An event that is larger than the limit is sent alone.
    await expect.poll(() => happened.flat(), { timeout: 60_000 }).toEqual(['log', 'log'])
  })

  it('after the delay at the latest, including held metrics of steps', async () => {
    const journal = await openJournal({ batch: { delayMs: 20 }, holdMs: 10 })
    for (let number = 1; number <= 3; number++) journal.append(step(number))
    await expect.poll(() => happened.flat(), { timeout: 60_000 }).toEqual([1, 2, 3])
  })

  it('at once with an error, together with earlier events', async () => {
    const journal = await openJournal({ batch: { delayMs: HOUR }, holdMs: HOUR })
    for (let number = 1; number <= 3; number++) journal.append(step(number))
    await settle()
    expect(happened).toEqual([])
    journal.append({ type: 'log', level: 'error', message: 'no' })
    await expect.poll(() => happened, { timeout: 60_000 }).toEqual([[1, 2, 3, 'log']])
  })

  it('at once with a terminal event, after it is flushed to disk', async () => {
    const journal = await openJournal({ batch: { delayMs: HOUR } })
    journal.append({ type: 'cancelled' })
    await expect.poll(() => happened, { timeout: 60_000 }).toEqual(['sync', ['cancelled']])
    journal.append(info('ignored after the end'))
    expect(await journal.close({ timeoutMs: 60_000 })).toMatchObject({ delivered: true, unacknowledged: 0 })
  })
})
