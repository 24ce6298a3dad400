import nodeFs, { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Problem, type TrainerEvent } from '@trainyard/contract'
import { NetworkError } from '@trainyard/contract/trainer-errors'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PlatformApi } from '../http/platform-api.ts'
import { createTokenSource } from '../http/token-source.ts'
import { type ContractPlatform, createContractPlatform } from '../testing/contract-server.ts'
import { createFailingSpoolFiles, type FailingSpoolFiles } from '../testing/failing-spool-files.ts'
import { Journal } from './journal.ts'
import { openSpool } from './spool.ts'

const ALWAYS = Number.POSITIVE_INFINITY
const NEVER = { call: ALWAYS, code: 'EIO' }

let dir: string
let platform: ContractPlatform
let isOnline: boolean

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-spool-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function startOver(): void {
  rmSync(dir, { recursive: true, force: true })
  platform = createContractPlatform()
  isOnline = true
}

const api: PlatformApi = {
  async once(method, path, { body } = {}) {
    if (!isOnline) throw new NetworkError('the platform is down')
    const response = await platform.handle(new Request(`http://platform.test${path}`, { method, body: String(body) }))
    const json: unknown = await response.json()
    const problem = response.ok ? undefined : Problem.parse(json)
    return { status: response.status, json, problem, retryAfterMs: undefined, sentToken: 'token' }
  },
  call: async () => ({}),
}

function open(files: FailingSpoolFiles, warnings: string[] = []): Journal {
  return new Journal({
    api,
    token: createTokenSource({ token: 'token' }),
    attempt: 1,
    spoolFile: join(dir, 'spool'),
    fileSystem: files.fileSystem,
    spoolRetryMs: 0,
    backoff: { baseMs: 1, capMs: 1 },
    onWarning: (message) => warnings.push(message),
  })
}

/** Trains two epochs that the platform receives, and two during which it is down. Then the process is killed. */
async function trainUntilKilled(files: FailingSpoolFiles): Promise<string[]> {
  const warnings: string[] = []
  const journal = open(files, warnings)
  journal.append({ type: 'started' })
  journal.append({ type: 'progress', epoch: 1, metrics: { loss: 1 } })
  await journal.flush({ timeoutMs: 10_000 })
  journal.append({ type: 'progress', epoch: 2, metrics: { loss: 1 } })
  await journal.flush({ timeoutMs: 10_000 })
  isOnline = false
  journal.append({ type: 'progress', epoch: 3, metrics: { loss: 1 } })
  journal.append({ type: 'progress', epoch: 4, metrics: { loss: 1 } })
  journal.flushToDisk()
  files.kill()
  await journal.close({ timeoutMs: 0 })
  isOnline = true
  return warnings
}

/** Continues the attempt in a new process. */
async function trainToTheEnd(files: FailingSpoolFiles): Promise<string[]> {
  const warnings: string[] = []
  const journal = open(files, warnings)
  journal.append({ type: 'progress', epoch: 5, metrics: { loss: 1 } })
  await journal.flush({ timeoutMs: 10_000 })
  journal.append({ type: 'completed', result: { operation: 'train', metrics: {}, checkpointIds: [] } })
  expect(await journal.close({ timeoutMs: 10_000 })).toMatchObject({ delivered: true })
  return warnings
}

const isLog = (event: TrainerEvent) => event.type === 'log'
const received = () =>
  platform.events
    .filter((event) => !isLog(event))
    .map((event) => (event.type === 'progress' ? event.epoch : event.type))
const WHOLE: ReturnType<typeof received> = ['started', 1, 2, 3, 4, 5, 'completed']

describe.each(['ENOSPC', 'EIO', 'EMFILE'])('each call of the spool that fails with %s', (code) => {
  it('costs no event and repeats none when it fails once, also when the process is killed later', async () => {
    for (let call = 1; ; call++) {
      startOver()
      const files = createFailingSpoolFiles({ call, code })
      await trainUntilKilled(files)
      await trainToTheEnd(createFailingSpoolFiles(NEVER))
      expect(received(), `${files.failed()}, call ${call}`).toEqual(WHOLE)
      if (files.failed() === undefined) return expect(call).toBeGreaterThan(10)
    }
  })

  it('costs no event and repeats none when it fails once in the process that continues', async () => {
    for (let call = 1; ; call++) {
      startOver()
      await trainUntilKilled(createFailingSpoolFiles(NEVER))
      const files = createFailingSpoolFiles({ call, code })
      await trainToTheEnd(files)
      const about = `${files.failed()}, call ${call}`
      expect(received(), about).toEqual(WHOLE)
      expect(readdirSync(dir), about).toEqual(['spool'])
      if (files.failed() === undefined) return expect(call).toBeGreaterThan(5)
    }
  })

  it('repeats no event, and is reported when events are lost, when no later call succeeds until the process is killed', async () => {
    for (let call = 1; ; call++) {
      startOver()
      const files = createFailingSpoolFiles({ call, count: ALWAYS, code })
      const warnings = await trainUntilKilled(files)
      await trainToTheEnd(createFailingSpoolFiles(NEVER))
      const about = `${files.failed()}, call ${call}: ${received()}`
      // What was delivered before the kill is not repeated, and the rest is in order.
      expect(received(), about).toEqual(WHOLE.filter((event) => received().includes(event)))
      expect(received(), about).toEqual(expect.arrayContaining(['started', 1, 2, 5, 'completed']))
      if (received().length < WHOLE.length) expect(warnings.join(), about).toContain(code)
      if (files.failed() === undefined) return expect(received()).toEqual(WHOLE)
    }
  })

  it('is reported to people who watch the job, when the process that continues cannot use the disk', async () => {
    for (let call = 1; ; call++) {
      startOver()
      await trainUntilKilled(createFailingSpoolFiles(NEVER))
      const files = createFailingSpoolFiles({ call, count: ALWAYS, code })
      await trainToTheEnd(files)
      const about = `${files.failed()}, call ${call}: ${received()}`
      expect(received(), about).toEqual(WHOLE.filter((event) => received().includes(event)))
      if (received().length < WHOLE.length) {
        expect(JSON.stringify(platform.events.filter(isLog)), about).toContain(code)
      }
      if (files.failed() === undefined) return expect(received()).toEqual(WHOLE)
    }
  })
})

it('a spool that was written again stays in use when the close of the old file fails', () => {
  const file = join(dir, 'spool')
  const closeSync = () => {
    throw new Error('EIO: injected fault, closeSync')
  }
  const { spool } = openSpool(file, { ...nodeFs, closeSync })
  spool.rewrite([{ op: 'acknowledge', seq: 1 }])
  spool.append([{ op: 'acknowledge', seq: 2 }])
  expect(openSpool(file).records).toEqual([
    { op: 'acknowledge', seq: 1 },
    { op: 'acknowledge', seq: 2 },
  ])
})
