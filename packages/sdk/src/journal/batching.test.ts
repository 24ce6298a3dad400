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
/** What happened, in order: a request by the steps and types that it carried, or "sync". */
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

/** A journal of a platform that takes everything. It knows the attempt already: the first request is always one event. */
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
    ...{ api: { once, call: once }, token, attempt: 1, spoolFile: join(dir, 'spool'), fileSystem },
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
/** Long enough for anything that is not waiting for something. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 30))

describe('what was appended leaves', () => {
  it('when there are enough events for a request, and not before', async () => {
    const journal = await openJournal({ batch: { maxEvents: 5, delayMs: HOUR } })
    for (let number = 0; number < 4; number++) journal.append(info('x'))
    await settle()
    expect(happened).toEqual([])
    journal.append(info('x'))
    await expect.poll(() => happened, { timeout: 60_000 }).toEqual([Array(5).fill('log')])
  })

  it('when there are enough bytes for a request', async () => {
    const journal = await openJournal({ batch: { maxBytes: 2000, delayMs: HOUR } })
    journal.append(info('x'))
    await settle()
    expect(happened).toEqual([])
    journal.append(info('x'.repeat(2000)))
    // One that is larger than a request may be goes alone.
    await expect.poll(() => happened.flat(), { timeout: 60_000 }).toEqual(['log', 'log'])
  })

  it('after a second at the latest, metrics of steps that were held back among it', async () => {
    const journal = await openJournal({ batch: { delayMs: 20 }, holdMs: 10 })
    for (let number = 1; number <= 3; number++) journal.append(step(number))
    await expect.poll(() => happened.flat(), { timeout: 60_000 }).toEqual([1, 2, 3])
  })

  it('at once with an error, and what came before with it', async () => {
    const journal = await openJournal({ batch: { delayMs: HOUR }, holdMs: HOUR })
    for (let number = 1; number <= 3; number++) journal.append(step(number))
    await settle()
    expect(happened).toEqual([])
    journal.append({ type: 'log', level: 'error', message: 'no' })
    await expect.poll(() => happened, { timeout: 60_000 }).toEqual([[1, 2, 3, 'log']])
  })

  it('at once with the end, which is on the disk before it is on the wire', async () => {
    const journal = await openJournal({ batch: { delayMs: HOUR } })
    journal.append({ type: 'cancelled' })
    await expect.poll(() => happened, { timeout: 60_000 }).toEqual(['sync', ['cancelled']])
    journal.append(info('nobody hears this'))
    expect(await journal.close({ timeoutMs: 60_000 })).toMatchObject({ delivered: true, unacknowledged: 0 })
  })
})
