import { spawn } from 'node:child_process'
import nodeFs, { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TrainerEvent } from '@trainyard/contract'
import { createRandom, createTransport, forEachConcurrently, type Transport } from '@trainyard/datasets/transfer'
import { createFaultScript, createFaults, type FaultScript } from '@trainyard/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPlatformApi } from '../http/platform-api.ts'
import { createTokenSource, type TokenSource } from '../http/token-source.ts'
import { uploadFile } from '../storage/upload-file.ts'
import {
  type ContractPlatform,
  createContractPlatform,
  refuse,
  type ServedHandler,
  serve,
} from '../testing/contract-server.ts'
import { Journal } from './journal.ts'
import type { JournalOptions, JournalStop } from './journal-options.ts'
import type { SpoolFileSystem } from './spool.ts'

/** `TRAINYARD_FAULT_SEED=100 TRAINYARD_FAULT_ROUNDS=50` runs 50 seeds from 100. */
const SEED = Number(process.env.TRAINYARD_FAULT_SEED ?? 1)
const ROUNDS = Number(process.env.TRAINYARD_FAULT_ROUNDS ?? 8)
const LONG = ROUNDS > 8 ? { timeout: ROUNDS * 15_000 } : {}

let dir: string
let platform: ContractPlatform
let opened: { close(): unknown }[]

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-faults-'))
  platform = createContractPlatform()
  opened = []
})
afterEach(async () => {
  for (const one of opened) await one.close()
  rmSync(dir, { recursive: true, force: true })
})

const backoff = { baseMs: 5, capMs: 40 }

interface Opened {
  journal: Journal
  transport: Transport
  warnings: string[]
  stops: JournalStop[]
  upload(name: string): ReturnType<typeof uploadFile>
}

function open(url: string, options: Partial<JournalOptions> & { token?: TokenSource } = {}): Opened {
  const transport = createTransport()
  opened.push(transport)
  const token = options.token ?? createTokenSource({ token: 'token' })
  const api = createPlatformApi({ baseUrl: url, token, transport, backoff })
  const warnings: string[] = []
  const stops: JournalStop[] = []
  const journal = new Journal({
    api,
    token,
    attempt: 1,
    spoolFile: join(dir, 'spool'),
    batch: { delayMs: 2, maxEvents: 12 },
    backoff,
    onWarning: (message) => warnings.push(message),
    onStop: (stop) => stops.push(stop),
    ...options,
  })
  const upload = (name: string) => uploadFile({ api, transport, workDir: dir, backoff }, 'checkpoint', join(dir, name))
  return { journal, transport, warnings, stops, upload }
}

async function serveFaulty(script: FaultScript): Promise<ServedHandler> {
  const served = await serve(createFaults({ script }).wrap(platform.handle))
  opened.push(served)
  return served
}

async function serveHealthy(): Promise<ServedHandler> {
  const served = await serve(platform.handle)
  opened.push(served)
  return served
}

const EPOCHS = 20
/** Appends epochs of steps, logs and metrics, and `completed`. */
async function train(
  journal: Journal,
  { epochs = EPOCHS, onEpoch = async (_epoch: number) => {} } = {},
): Promise<void> {
  journal.append({ type: 'started' })
  for (let epoch = 1; epoch <= epochs; epoch++) {
    for (let step = 1; step <= 3; step++)
      journal.append({ type: 'progress', epoch: epoch - 1, step, metrics: { loss: 1 } })
    journal.append({ type: 'log', level: 'info', message: `epoch ${epoch}` })
    journal.append({ type: 'progress', epoch, metrics: { loss: 1 / epoch } })
    await onEpoch(epoch)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  journal.append({ type: 'completed', result: { operation: 'train', metrics: {}, checkpointIds: [] } })
}

const isFinishedEpoch = (event: TrainerEvent) => event.type === 'progress' && event.step === undefined
const epochsOf = (events: readonly TrainerEvent[]) =>
  events.filter(isFinishedEpoch).map((event) => (event.type === 'progress' ? event.epoch : 0))
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const lifeCycle = (events: readonly TrainerEvent[]) =>
  events.map(({ type }) => type).filter((type) => !['progress', 'log', 'validation'].includes(type))

describe('a platform with a seeded script of faults', () => {
  it.each(Array.from({ length: ROUNDS }, (_, round) => SEED + round))(
    'still receives everything once and in order, and does not delay the training (seed %i)',
    LONG,
    async (seed) => {
      // Faults of every kind, before and after the platform's work, on every request: events, announcements, bytes.
      const script = createFaultScript({
        seed,
        count: 14,
        requests: 30,
        delayMs: 60,
        outageMs: 150,
        retryAfterSeconds: 0,
      })
      const tokenFile = join(dir, 'token')
      writeFileSync(tokenFile, 'token')
      const token = createTokenSource({ file: tokenFile })
      const { journal, upload } = open((await serveFaulty(script)).url, { token })
      writeFileSync(join(dir, 'best.bin'), String(seed).repeat(1000))
      await train(journal, {
        async onEpoch(epoch) {
          if (epoch % 10 !== 0) return
          const { id } = await upload('best.bin')
          journal.append({ type: 'checkpoint', artifactId: id, name: 'best', epoch })
        },
      })
      const report = await journal.close({ timeoutMs: 20_000 })
      const about = JSON.stringify(script)
      expect(report, about).toMatchObject({ delivered: true, unacknowledged: 0, stop: undefined })
      expect(lifeCycle(platform.events), about).toEqual(['started', 'checkpoint', 'checkpoint', 'completed'])
      expect(epochsOf(platform.events), about).toEqual(upTo(EPOCHS))
      expect(
        platform.events.map(({ seq }) => seq),
        about,
      ).toEqual(upTo(platform.events.length))
      expect(
        [...platform.artifacts.values()].map(({ isComplete }) => isComplete),
        about,
      ).toEqual([true])
    },
  )

  it.each([
    ['five minutes behind', -300_000],
    ['five minutes ahead', 300_000],
  ])('is retried after its Retry-After date, when its clock is %s', async (_what, skewMs) => {
    let refusedAt = 0
    let acceptedAt = 0
    const served = await serve(async (request) => {
      if (refusedAt > 0) {
        acceptedAt ||= performance.now()
        return platform.handle(request)
      }
      refusedAt = performance.now()
      const answer = refuse('rate_limited')
      // HTTP dates are whole seconds: the difference of the two counts.
      const now = Math.floor((Date.now() + skewMs) / 1000) * 1000
      answer.headers.set('date', new Date(now).toUTCString())
      answer.headers.set('retry-after', new Date(now + 1000).toUTCString())
      return answer
    })
    opened.push(served)
    const { journal } = open(served.url, { now: () => Date.now() - skewMs })
    await train(journal, { epochs: 1 })
    // Polls, because `flush` would send at once and skip the wait.
    await expect.poll(() => acceptedAt, { timeout: 15_000 }).toBeGreaterThan(0)
    expect(acceptedAt - refusedAt).toBeGreaterThan(900)
    expect((await journal.close({ timeoutMs: 5000 })).delivered).toBe(true)
  })

  it('that is down for longer than the training does not delay it, and receives everything later', async () => {
    const gone = await serve(platform.handle)
    const { port } = gone
    await gone.close()
    const first = open(gone.url)
    await train(first.journal, { epochs: 200 })
    const start = performance.now()
    const report = await first.journal.close({ timeoutMs: 300 })
    expect(performance.now() - start).toBeLessThan(20_000)
    expect(report).toMatchObject({ delivered: false, unacknowledged: 1 + 200 * 5 + 1 })
    expect(first.warnings).toHaveLength(1)

    opened.push(await serve(platform.handle, { port }))
    const second = open(gone.url)
    expect(second.journal).toMatchObject({ isResumed: true, terminal: 'completed' })
    expect((await second.journal.close({ timeoutMs: 20_000 })).delivered).toBe(true)
    expect(epochsOf(platform.events)).toEqual(upTo(200))
    expect(lifeCycle(platform.events)).toEqual(['started', 'completed'])
  })

  it('that accepts requests and never responds delays neither the training nor its end', async () => {
    const served = await serve(() => new Promise(() => {}))
    opened.push(served)
    const { journal } = open(served.url)
    const start = performance.now()
    await train(journal, { epochs: 50 })
    await journal.close({ timeoutMs: 200 })
    // 50 waits of a millisecond and the close; the margin is for a busy machine.
    expect(performance.now() - start).toBeLessThan(20_000)
  })

  it('receives large bodies compressed, and uncompressed ones after a proxy rejected gzip', async () => {
    const healthy = open((await serveHealthy()).url)
    await train(healthy.journal)
    expect((await healthy.journal.close({ timeoutMs: 10_000 })).delivered).toBe(true)
    expect(platform.compressed).toBeGreaterThan(0)

    platform = createContractPlatform()
    let refusals = 0
    const old = await serve(async (request) => {
      if (!request.headers.has('content-encoding')) return platform.handle(request)
      refusals++
      return new Response('', { status: 415 })
    })
    opened.push(old)
    const { journal } = open(old.url, { spoolFile: join(dir, 'other') })
    await train(journal)
    expect((await journal.close({ timeoutMs: 10_000 })).delivered).toBe(true)
    expect(refusals).toBe(1)
    expect(epochsOf(platform.events)).toEqual(upTo(EPOCHS))
  })
})

describe('a token that expires', () => {
  it('is retried while its file has not been renewed yet', async () => {
    const file = join(dir, 'token')
    writeFileSync(file, 'old')
    platform.tokens = new Set(['new'])
    let refusals = 0
    const served = await serve(async (request) => {
      const answer = await platform.handle(request)
      if (answer.status === 401 && ++refusals === 4) writeFileSync(file, 'new')
      return answer
    })
    opened.push(served)
    const { journal, stops } = open(served.url, { token: createTokenSource({ file }) })
    await train(journal)
    expect(await journal.close({ timeoutMs: 15_000 })).toMatchObject({ delivered: true })
    expect(refusals).toBe(4)
    expect(stops).toEqual([])
  })

  it.each([
    ['it has no file', false, 300_000],
    ['its file is not renewed in time', true, 0],
  ])('stops the job with a reason when %s', async (_what, hasFile, tokenGraceMs) => {
    const file = join(dir, 'token')
    writeFileSync(file, 'old')
    platform.tokens = new Set(['new'])
    const token = createTokenSource(hasFile ? { file } : { token: 'old' })
    const { journal, stops } = open((await serveHealthy()).url, { token, tokenGraceMs })
    journal.append({ type: 'started' })
    const report = await journal.close({ timeoutMs: 15_000 })
    expect(report.delivered).toBe(false)
    expect(stops).toMatchObject([{ kind: 'refused', status: 401, code: 'token_expired' }])
  })

  it('does not fall back to an older file when a successor arrived while a request was in flight', () => {
    const file = join(dir, 'token')
    writeFileSync(file, 'of the file')
    const token = createTokenSource({ file })
    token.adopt('successor')
    writeFileSync(file, 'an older one')
    expect(token.replace('of the file')).toBe(true)
    expect(token.current()).toBe('successor')
    expect(token.replace('successor')).toBe(true)
    expect(token.current()).toBe('an older one')
  })
})

describe('a disk that is full', () => {
  /** Accepts this many bytes and then fails with ENOSPC, after a partial write like a real disk. */
  function createSmallDisk(bytes: number): { fs: SpoolFileSystem; grow(): void } {
    let left = bytes
    const full = () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
    const fs: SpoolFileSystem = {
      ...nodeFs,
      writeSync: ((fd: number, data: Buffer, offset: number, length: number) => {
        if (left === 0) throw full()
        const taken = Math.min(length, left)
        left -= taken
        return nodeFs.writeSync(fd, data, offset, taken)
      }) as typeof nodeFs.writeSync,
    }
    return { fs, grow: () => (left = Number.POSITIVE_INFINITY) }
  }

  it('leaves the journal in memory, is reported once, and loses nothing', async () => {
    const { fs } = createSmallDisk(1000)
    const { journal, warnings } = open((await serveHealthy()).url, { fileSystem: fs, spoolRetryMs: 0 })
    await train(journal)
    expect((await journal.close({ timeoutMs: 15_000 })).delivered).toBe(true)
    expect(epochsOf(platform.events)).toEqual(upTo(EPOCHS))
    expect(warnings.filter((text) => /ENOSPC/.test(text))).toHaveLength(1)
  })

  it('is used again once it has space, and its spool is replayed', async () => {
    const { fs, grow } = createSmallDisk(1000)
    const gone = await serve(platform.handle)
    await gone.close()
    const { journal, warnings } = open(gone.url, { fileSystem: fs, spoolRetryMs: 0 })
    await train(journal, {
      async onEpoch(epoch) {
        if (epoch === 10) grow()
      },
    })
    await journal.close({ timeoutMs: 1 })
    expect(warnings.filter((text) => /spool/.test(text))).toHaveLength(2)
    opened.push(await serve(platform.handle, { port: gone.port }))
    const next = open(gone.url)
    expect((await next.journal.close({ timeoutMs: 15_000 })).delivered).toBe(true)
    expect(epochsOf(platform.events)).toEqual(upTo(EPOCHS))
    expect(lifeCycle(platform.events)).toEqual(['started', 'completed'])
  })

  it('does not prevent the start', async () => {
    const fs = {
      ...nodeFs,
      openSync: () => {
        throw new Error('EROFS: read-only file system')
      },
    }
    const { journal, warnings } = open((await serveHealthy()).url, { fileSystem: fs })
    await train(journal)
    expect((await journal.close({ timeoutMs: 15_000 })).delivered).toBe(true)
    expect(warnings).toMatchObject([expect.stringContaining('EROFS')])
  })
})

describe('a trainer that is killed with -9 at random points', () => {
  const program = fileURLToPath(new URL('../testing/resuming-trainer.ts', import.meta.url))

  /** Runs the trainer and kills it after some epochs. Resolves with the last epoch that its journal accepted. */
  function runAndKill(url: string, spool: string, round: number, killAfterMs: number | undefined): Promise<number> {
    const args = ['--conditions=trainyard-source', program, url, spool, String(round)]
    const child = spawn(process.execPath, killAfterMs === undefined ? [...args, 'end'] : args, {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      if (output === '' && killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs)
      output += chunk
    })
    return new Promise((resolve) => {
      child.on('close', () => resolve(Number(output.split('\n').at(-2) ?? 0)))
    })
  }

  it('delivers every life-cycle event once, and every finished epoch once and in order', {
    timeout: 60_000 + ROUNDS * 20_000,
  }, async () => {
    // Five kills in each chain; chains run in parallel, because starting Node takes most of the time.
    const chains = Array.from({ length: Math.ceil(ROUNDS / 2) }, (_, chain) => chain)
    await forEachConcurrently(chains, 4, async (chain) => {
      const seed = SEED + chain
      const random = createRandom(seed)
      const held = createContractPlatform()
      const faults = createFaults({
        seed,
        draw: {
          types: ['unavailable', 'reset', 'slow', 'duplicate', 'outage'],
          count: 25,
          requests: 200,
          delayMs: 30,
          outageMs: 80,
        },
      })
      const served = await serve(faults.wrap(held.handle))
      opened.push(served)
      const spool = join(dir, `spool-${chain}`)
      const taken: number[] = []
      for (let round = 0; round < 5; round++)
        taken.push(await runAndKill(served.url, spool, round, Math.floor(random() * 120)))
      taken.push(await runAndKill(served.url, spool, 5, undefined))

      const about = `seed ${seed}`
      expect(lifeCycle(held.events), about).toEqual(['started', 'completed'])
      const epochs = held.events.filter((event) => event.type === 'validation')
      for (const [round, count] of taken.entries()) {
        const arrived = epochs.filter(({ primary }) => primary.value === round).map(({ epoch }) => epoch)
        // One more epoch than was printed may have been accepted just before the kill.
        expect(arrived.length, about).toBeGreaterThanOrEqual(count)
        expect(arrived.length, about).toBeLessThanOrEqual(count + 1)
        expect(arrived, about).toEqual(upTo(arrived.length))
      }
      const rounds = epochs.map(({ primary }) => Number(primary.value))
      expect(rounds, about).toEqual(rounds.toSorted((a, b) => a - b))
    })
  })
})
