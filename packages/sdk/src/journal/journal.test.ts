import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CallbackServer, problem, sendJson, startCallbackServer } from '@trainyard/datasets/testing'
import { createRandom, createTransport, type Transport } from '@trainyard/datasets/transfer'
import { createFaultScript, type Fault } from '@trainyard/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPlatformApi } from '../http/platform-api.ts'
import { createTokenSource } from '../http/token-source.ts'
import { Journal } from './journal.ts'
import type { JournalOptions, JournalStop } from './journal-options.ts'

let platform: CallbackServer
let dir: string
let transports: Transport[]
let socketsBefore: number

const countSockets = () =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'TCPServerWrap').length

beforeEach(async () => {
  socketsBefore = countSockets()
  platform = await startCallbackServer()
  dir = mkdtempSync(join(tmpdir(), 'trainyard-journal-'))
  transports = []
})
afterEach(async () => {
  for (const transport of transports) transport.close()
  await platform.close()
  rmSync(dir, { recursive: true, force: true })
})

function openJournal(options: Partial<JournalOptions> & { url?: string; tokenFile?: string } = {}): Journal {
  const { url = platform.url, tokenFile, ...rest } = options
  const transport = createTransport()
  transports.push(transport)
  const token = createTokenSource({ token: 'first-token', file: tokenFile })
  const api = createPlatformApi({ baseUrl: url, token, transport })
  const backoff = { baseMs: 5, capMs: 20 }
  return new Journal({
    api,
    token,
    attempt: 1,
    spoolFile: join(dir, 'spool'),
    batch: { delayMs: 20 },
    backoff,
    ...rest,
  })
}

const types = () => platform.events.map(({ type }) => type)

describe('the journal', () => {
  it('delivers events once and in order, through a seeded script of faults', async () => {
    const tokenFile = join(dir, 'token')
    writeFileSync(tokenFile, 'token-of-a-file')
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      platform.events.length = 0
      platform.intercept = playFaults(seed)
      rmSync(join(dir, 'spool'), { force: true })
      const journal = openJournal({ batch: { delayMs: 1, maxEvents: 7 }, tokenFile })
      journal.append({ type: 'started' })
      for (let epoch = 1; epoch <= 60; epoch++) {
        journal.append({ type: 'progress', epoch, metrics: { loss: 1 / epoch } })
        if (epoch % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
      }
      journal.append({ type: 'completed', result: { operation: 'train', metrics: {}, checkpointIds: [] } })
      const report = await journal.close({ timeoutMs: 15_000 })
      expect(report, `seed ${seed}`).toMatchObject({ delivered: true, unacknowledged: 0, stop: undefined })
      expect(types(), `seed ${seed}`).toEqual(['started', ...Array(60).fill('progress'), 'completed'])
      expect(platform.events.slice(1, -1).map(({ epoch }) => epoch)).toEqual(
        Array.from({ length: 60 }, (_, i) => i + 1),
      )
    }
  })

  it('continues after the spooled numbers when the process restarts within the attempt', async () => {
    const dead = openJournal({ url: 'http://127.0.0.1:9/v1/jobs/7' })
    dead.append({ type: 'started' })
    dead.append({ type: 'progress', epoch: 1 })
    expect(await dead.close({ timeoutMs: 50 })).toMatchObject({ delivered: false, unacknowledged: 2 })

    const journal = openJournal()
    journal.append({ type: 'progress', epoch: 2 })
    expect((await journal.close({ timeoutMs: 5000 })).delivered).toBe(true)
    expect(platform.events.map(({ seq, type, epoch }) => [seq, type, epoch])).toEqual([
      [1, 'started', undefined],
      [2, 'progress', 1],
      [3, 'progress', 2],
    ])
    const third = openJournal()
    third.append({ type: 'progress', epoch: 3 })
    await third.close({ timeoutMs: 5000 })
    expect(platform.events.at(-1)).toMatchObject({ seq: 4, epoch: 3 })
  })

  it('reads a spool up to a torn tail', async () => {
    const dead = openJournal({ url: 'http://127.0.0.1:9/v1/jobs/7' })
    for (let epoch = 1; epoch <= 3; epoch++) dead.append({ type: 'progress', epoch })
    await dead.close({ timeoutMs: 1 })
    const spool = join(dir, 'spool')
    truncateSync(spool, readFileSync(spool).length - 3)
    appendFileSync(spool, Buffer.from([9, 0, 0, 0, 1]))
    const journal = openJournal()
    journal.append({ type: 'progress', epoch: 9 })
    expect((await journal.close({ timeoutMs: 5000 })).delivered).toBe(true)
    expect(platform.events.map(({ epoch }) => epoch).slice(0, 2)).toEqual([1, 2])
    expect(platform.events.at(-1)).toMatchObject({ epoch: 9 })
  })

  it('loses nothing when its process is killed with -9', async () => {
    // The platform accepts the first event and then nothing.
    platform.intercept = (_request, response, body) => {
      if (body.toString().includes('"started"')) return false
      sendJson(response, 503, problem(503, 'unavailable'))
      return true
    }
    const program = fileURLToPath(new URL('../testing/append-until-killed.ts', import.meta.url))
    const child = spawn(
      process.execPath,
      ['--conditions=trainyard-source', program, platform.url, join(dir, 'spool')],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    platform.intercept = undefined
    const journal = openJournal()
    journal.append({ type: 'completed', result: { operation: 'train', metrics: {}, checkpointIds: [] } })
    expect((await journal.close({ timeoutMs: 10_000 })).delivered).toBe(true)
    const epochs = platform.events.filter(({ type }) => type === 'progress').map(({ epoch }) => epoch)
    expect(epochs.length).toBeGreaterThanOrEqual(100)
    expect(epochs).toEqual(Array.from({ length: epochs.length }, (_, index) => index + 1))
    expect(types().filter((type) => type !== 'progress')).toEqual(['started', 'completed'])
  })

  it('closes in time when the platform never responds', async () => {
    platform.intercept = () => true
    const journal = openJournal()
    journal.append({ type: 'started' })
    const start = performance.now()
    const report = await journal.close({ timeoutMs: 200 })
    // Without the limit it would wait forever; the margin is for a busy machine.
    expect(performance.now() - start).toBeLessThan(20_000)
    expect(report).toMatchObject({ delivered: false, unacknowledged: 1 })
  })

  it('leaves nothing that keeps the process alive after close', async () => {
    const journal = openJournal()
    journal.append({ type: 'started' })
    await journal.close({ timeoutMs: 5000 })
    for (const transport of transports) transport.close()
    await platform.close()
    // Other files of tests share the process.
    await expect.poll(countSockets).toBeLessThanOrEqual(socketsBefore)
  })

  it('halves a batch that is too large, and replaces an event that is too large alone', async () => {
    platform.intercept = (_request, response, body) => {
      if (body.length < 3000) return false
      sendJson(response, 413, problem(413, 'payload_too_large'))
      return true
    }
    const journal = openJournal()
    journal.append({ type: 'started' })
    for (let epoch = 1; epoch <= 60; epoch++) journal.append({ type: 'progress', epoch })
    journal.append({ type: 'log', level: 'info', message: 'x'.repeat(5000) })
    journal.append({ type: 'progress', epoch: 61 })
    expect((await journal.close({ timeoutMs: 5000 })).delivered).toBe(true)
    expect(platform.events.filter(({ type }) => type === 'progress')).toHaveLength(61)
    expect(platform.events.find(({ type }) => type === 'log')).toMatchObject({
      level: 'error',
      eventType: 'event-refused',
    })
  })

  it('rewinds to the last event that the platform holds when it reports a gap', async () => {
    let gaps = 0
    platform.intercept = (_request, response, body) => {
      const { events } = JSON.parse(body.toString()) as { events: { seq: number }[] }
      const first = events[0]?.seq ?? 0
      // The platform's data is restored from a backup that ends at event 2.
      if (first > 5 && gaps++ === 0) platform.events.length = 2
      if (first <= platform.events.length + 1) return false
      sendJson(response, 409, problem(409, 'sequence_gap', { acknowledged: platform.events.length }))
      return true
    }
    const journal = openJournal({ batch: { maxEvents: 3, delayMs: 1 } })
    for (let epoch = 1; epoch <= 12; epoch++) journal.append({ type: 'progress', epoch })
    expect((await journal.close({ timeoutMs: 5000 })).delivered).toBe(true)
    expect(platform.events.map(({ seq }) => seq)).toEqual(Array.from(platform.events, (_, index) => index + 1))
    expect(platform.events.at(-1)).toMatchObject({ epoch: 12 })
  })

  it('continues after the numbers that the platform holds when its own spool is lost', async () => {
    const first = openJournal({ spoolFile: join(dir, 'one') })
    for (let epoch = 1; epoch <= 3; epoch++) first.append({ type: 'progress', epoch })
    await first.close({ timeoutMs: 5000 })
    const second = openJournal({ spoolFile: join(dir, 'two') })
    for (let epoch = 4; epoch <= 6; epoch++) second.append({ type: 'progress', epoch })
    expect((await second.close({ timeoutMs: 5000 })).delivered).toBe(true)
    expect(platform.events.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('reads the token file again after a 401, and adopts the successor in a response', async () => {
    const tokenFile = join(dir, 'token')
    writeFileSync(tokenFile, 'old-token')
    platform.intercept = (request, response) => {
      if (request.headers.authorization !== 'Bearer old-token') return false
      writeFileSync(tokenFile, 'new-token')
      sendJson(response, 401, problem(401, 'token_expired'))
      return true
    }
    platform.successor = 'successor-token'
    const journal = openJournal({ tokenFile })
    journal.append({ type: 'started' })
    await journal.flush({ timeoutMs: 5000 })
    journal.append({ type: 'progress', epoch: 1 })
    await journal.close({ timeoutMs: 5000 })
    expect(platform.tokens).toEqual(['old-token', 'new-token', 'successor-token'])
  })

  it.each([
    [409, 'attempt_superseded'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [410, 'gone'],
  ])('stops with a reason when the platform answers %i %s', async (status, code) => {
    platform.intercept = (_request, response) => {
      sendJson(response, status, problem(status, code))
      return true
    }
    const stops: JournalStop[] = []
    const journal = openJournal({ onStop: (stop) => stops.push(stop) })
    journal.append({ type: 'started' })
    const report = await journal.close({ timeoutMs: 5000 })
    expect(report.delivered).toBe(false)
    expect(stops).toEqual([{ kind: 'refused', status, code, detail: code }])
    expect(platform.requests).toHaveLength(1)
  })

  it('reports once that the platform asks the job to stop, and still delivers the terminal event', async () => {
    platform.shouldContinue = false
    const stops: JournalStop[] = []
    const journal = openJournal({ onStop: (stop) => stops.push(stop) })
    journal.append({ type: 'started' })
    await journal.flush({ timeoutMs: 5000 })
    journal.append({ type: 'cancelled' })
    expect((await journal.close({ timeoutMs: 5000 })).delivered).toBe(true)
    expect(stops).toEqual([{ kind: 'asked', reason: 'cancelled' }])
    expect(types()).toEqual(['started', 'cancelled'])
  })

  it('sends heartbeats at the interval that the platform sets', async () => {
    platform.heartbeatSeconds = 0.05
    const journal = openJournal()
    journal.append({ type: 'started' })
    await expect.poll(() => platform.heartbeats, { timeout: 60_000 }).toBeGreaterThan(2)
    await journal.close({ timeoutMs: 1000 })
  })

  it('waits as long as Retry-After demands', async () => {
    let refusedAt = 0
    let acceptedAt = 0
    platform.intercept = (_request, response) => {
      if (refusedAt > 0) {
        acceptedAt ||= performance.now()
        return false
      }
      refusedAt = performance.now()
      sendJson(response, 429, problem(429, 'rate_limited'), { 'retry-after': '1' })
      return true
    }
    const journal = openJournal()
    journal.append({ type: 'started' })
    await expect.poll(() => platform.events.length, { timeout: 60_000 }).toBe(1)
    expect(acceptedAt - refusedAt).toBeGreaterThan(900)
    await journal.close({ timeoutMs: 1000 })
  })

  it('drops predictions in an endless outage when nothing else is left, and reports how many', async () => {
    platform.intercept = () => true
    const limits = { maxEvents: 20, maxBytes: 10_000, maxSpoolBytes: 20_000 }
    const journal = openJournal({ limits, requestTimeoutMs: 300, batch: { maxEvents: 10, delayMs: 1 } })
    journal.append({ type: 'started' })
    journal.append({ type: 'validation', primary: { name: 'f1', value: 1, goal: 'maximize' }, metrics: {} })
    for (let index = 0; index < 500; index++)
      journal.append({ type: 'prediction', imageName: `${index}.png`, predictions: [] })
    expect(journal.dropped.predictions).toBeGreaterThan(200)
    platform.intercept = undefined
    journal.append({ type: 'completed', result: { operation: 'predict', imageCount: 500 } })
    const { delivered, dropped } = await journal.close({ timeoutMs: 10_000 })
    expect([delivered, dropped.validations, dropped.metrics]).toEqual([true, 0, 0])
    expect(types().filter((type) => type === 'prediction')).toHaveLength(500 - dropped.predictions)
    expect(types().filter((type) => type !== 'prediction')).toEqual(['started', 'validation', 'log', 'completed'])
    const loss = platform.events.find(({ eventType }) => eventType === 'journal-loss')
    expect(Number((loss?.data as { predictions: number } | undefined)?.predictions)).toBeGreaterThan(200)
    expect(loss?.message).toMatch(/[1-9]\d* predictions/)
  })

  it('reports on close what it dropped when the platform never recovered', async () => {
    const journal = openJournal({ url: 'http://127.0.0.1:9/v1/jobs/7', limits: { maxEvents: 10 } })
    for (let index = 0; index < 25; index++) journal.append({ type: 'log', level: 'info', message: `info ${index}` })
    journal.append({ type: 'cancelled' })
    const { dropped, unacknowledged } = await journal.close({ timeoutMs: 1 })
    // Everything appended, minus the dropped, plus the loss report and the terminal event.
    expect(dropped).toMatchObject({ debugLogs: 0, logs: expect.any(Number), metrics: 0 })
    expect(unacknowledged).toBe(25 - dropped.logs + 2)
    const next = openJournal()
    expect((await next.close({ timeoutMs: 5000 })).delivered).toBe(true)
    expect(platform.events.find(({ eventType }) => eventType === 'journal-loss')?.data).toMatchObject({
      logs: expect.any(Number),
    })
    expect(types().at(-1)).toBe('cancelled')
  })

  it('reports the loss of an earlier process that was killed before it could report it', async () => {
    const dead = openJournal({ url: 'http://127.0.0.1:9/v1/jobs/7', limits: { maxEvents: 10 } })
    for (let index = 0; index < 12; index++) dead.append({ type: 'log', level: 'debug', message: `debug ${index}` })
    await dead.close({ timeoutMs: 1 })
    const journal = openJournal()
    await journal.flush({ timeoutMs: 5000 })
    journal.append({ type: 'cancelled' })
    await journal.close({ timeoutMs: 5000 })
    const loss = platform.events.find(({ eventType }) => eventType === 'journal-loss')
    expect(loss?.data).toEqual({ debugLogs: 2, logs: 0, metrics: 0, predictions: 0, validations: 0 })
  })

  it('keeps the text of a log whose data cannot be serialised, and does not throw', async () => {
    const journal = openJournal()
    const circle: Record<string, unknown> = {}
    circle.self = circle
    journal.append({ type: 'log', level: 'info', message: 'circle', data: circle })
    journal.append({ type: 'log', level: 'info', message: 'big', data: { value: 1n } })
    expect((await journal.close({ timeoutMs: 5000 })).delivered).toBe(true)
    expect(platform.events.map(({ message }) => message)).toEqual(['circle', 'big'])
  })

  it('drops debug logs first, then logs, then metrics between epochs, nothing else, and reports the loss', async () => {
    platform.intercept = () => true
    const journal = openJournal({
      limits: { maxEvents: 40 },
      requestTimeoutMs: 300,
      batch: { maxEvents: 10, delayMs: 1 },
    })
    journal.append({ type: 'started' })
    for (let index = 0; index < 30; index++) journal.append({ type: 'log', level: 'debug', message: `debug ${index}` })
    for (let index = 0; index < 30; index++) journal.append({ type: 'log', level: 'info', message: `info ${index}` })
    for (let step = 0; step < 30; step++) journal.append({ type: 'progress', epoch: 0, step })
    for (let epoch = 1; epoch <= 50; epoch++) journal.append({ type: 'progress', epoch, metrics: { loss: 1 } })
    platform.intercept = undefined
    journal.append({ type: 'completed', result: { operation: 'train', metrics: {}, checkpointIds: [] } })
    expect((await journal.close({ timeoutMs: 10_000 })).delivered).toBe(true)
    expect(platform.events.filter(({ metrics }) => metrics).map(({ epoch }) => epoch)).toHaveLength(50)
    expect(types().filter((type) => type === 'started' || type === 'completed')).toEqual(['started', 'completed'])
    expect(platform.events.find(({ eventType }) => eventType === 'journal-loss')).toMatchObject({
      level: 'warning',
      data: { debugLogs: 30, logs: 30, metrics: 29, predictions: 0, validations: 0 },
    })
  })
})

/** Plays a seeded script inside the HTTP server, so that a reset is a real one. */
function playFaults(seed: number): CallbackServer['intercept'] {
  const types = ['unavailable', 'rate-limited', 'reset', 'slow', 'expired-token'] as const
  const script = createFaultScript({ seed, types, count: 12, requests: 25, retryAfterSeconds: 0, delayMs: 10 })
  const random = createRandom(seed)
  let count = 0
  return (request, response) => {
    const number = count++
    const fault: Fault | undefined = script.faults.find(
      (item) => number >= item.at && number < item.at + ('count' in item ? item.count : 1),
    )
    switch (fault?.type) {
      case 'unavailable':
        sendJson(response, 503, problem(503, 'unavailable'))
        return true
      case 'rate-limited':
        sendJson(response, 429, problem(429, 'rate_limited'), { 'retry-after': '0' })
        return true
      case 'expired-token':
        sendJson(response, 401, problem(401, 'token_expired'))
        return true
      case 'reset':
        // Half of the resets happen after the events were applied: then they arrive a second time.
        if (random() < 0.5) {
          request.socket.destroy()
          return true
        }
        response.end = new Proxy(response.end, { apply: () => request.socket.destroy() })
        return false
      default:
        return false
    }
  }
}
