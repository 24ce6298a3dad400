import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTransport, type Transport } from '@trainyard/datasets/transfer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPlatformApi } from '../http/platform-api.ts'
import { createTokenSource } from '../http/token-source.ts'
import { uploadFile } from '../storage/upload-file.ts'
import { type ContractPlatform, createContractPlatform, type ServedHandler, serve } from '../testing/contract-server.ts'
import { type FaultySockets, type SocketFault, startFaultySockets } from '../testing/faulty-sockets.ts'
import { Journal } from './journal.ts'

const MAX_REQUESTS = 40
const FILES = { 'small.bin': 3000, 'large.bin': 250_000, 'empty.bin': 0 }
const bytesOf = (name: string, size: number) => Buffer.alloc(size, `${name} `)

let platform: ContractPlatform
let served: ServedHandler
let sockets: FaultySockets
let transport: Transport
let dir: string

async function open(): Promise<void> {
  dir = mkdtempSync(join(tmpdir(), 'trainyard-sockets-'))
  for (const [name, size] of Object.entries(FILES)) writeFileSync(join(dir, name), bytesOf(name, size))
  mkdirSync(join(dir, 'folder'))
  writeFileSync(join(dir, 'folder', 'weights.bin'), 'weights')
  platform = createContractPlatform()
  platform.partBytes = 100_000
  served = await serve(platform.handle)
  sockets = await startFaultySockets(served.port)
  transport = createTransport()
}

async function close(): Promise<void> {
  transport.close()
  await sockets.close()
  await served.close()
  rmSync(dir, { recursive: true, force: true })
}

beforeEach(open)
afterEach(close)

function connect({ tries = 8 } = {}) {
  const token = createTokenSource({ token: 'token' })
  const backoff = { baseMs: 1, capMs: 2 }
  const baseUrl = `http://127.0.0.1:${sockets.port}/v1/jobs/7`
  const limits = { maxTries: tries, giveUpAfterMs: 0 }
  const api = createPlatformApi({ baseUrl, token, transport, backoff, limits })
  const journal = new Journal({ api, token, attempt: 1, spoolFile: join(dir, 'spool'), batch: { delayMs: 1 }, backoff })
  const upload = (name: string) =>
    uploadFile({ api, transport, workDir: dir, backoff, limits }, 'other', join(dir, name))
  return { journal, upload }
}

/** Reports three epochs and uploads files of every kind. What is acknowledged must be with the platform at that moment. */
async function train(about: string): Promise<void> {
  const { journal, upload } = connect()
  journal.append({ type: 'started' })
  for (const name of [...Object.keys(FILES), 'folder']) {
    const { id } = await upload(name)
    expect(platform.artifacts.get(id)?.isComplete, about).toBe(true)
    journal.append({ type: 'progress', epoch: 1, metrics: { loss: 1 } })
    await journal.flush({ timeoutMs: 10_000 })
    expect(platform.events.at(-1)?.type, about).toBe('progress')
  }
  journal.append({ type: 'completed', result: { operation: 'train', metrics: {}, checkpointIds: [] } })
  expect(await journal.close({ timeoutMs: 10_000 }), about).toMatchObject({ delivered: true, unacknowledged: 0 })
}

describe.each<[SocketFault, string]>([
  ['before', 'before a byte of the request arrives'],
  ['middle', 'in the middle of the request'],
  ['after', 'after the platform has done its work'],
  ['answer', 'in the middle of the answer'],
])('a connection that is reset %s', (fault, when) => {
  it(`loses nothing and sends nothing twice (${when}), at every request`, { timeout: 120_000 }, async () => {
    for (let request = 1; request < MAX_REQUESTS; request++) {
      await close()
      await open()
      sockets.arm(request, fault)
      const about = `request ${request}, ${fault}`
      await train(about)
      const wasReset = sockets.disarm()
      const types = platform.events.map(({ type }) => type)
      expect(types, about).toEqual(['started', 'progress', 'progress', 'progress', 'progress', 'completed'])
      expect(
        platform.events.map(({ seq }) => seq),
        about,
      ).toEqual([1, 2, 3, 4, 5, 6])
      const stored = [...platform.artifacts.values()]
      expect(
        stored.map(({ name, isComplete }) => [name, isComplete]),
        about,
      ).toEqual([
        ['small.bin', true],
        ['large.bin', true],
        ['empty.bin', true],
        ['folder.tar', true],
      ])
      for (const [name, size] of Object.entries(FILES))
        expect(stored.find((one) => one.name === name)?.bytes.equals(bytesOf(name, size)), about).toBe(true)
      // No archive of a folder is left.
      expect(
        readdirSync(dir).filter((name) => name.startsWith('upload-')),
        about,
      ).toEqual([])
      if (!wasReset) return expect(request).toBeGreaterThan(15)
    }
    expect.fail(`a training has fewer than ${MAX_REQUESTS} requests`)
  })

  it(`fails an upload after the last try, with the host and the cause, when it happens every time (${when})`, async () => {
    const { upload } = connect({ tries: 3 })
    for (const request of [1, 2, 3]) {
      sockets.arm(request, fault, { always: true })
      await expect(upload('small.bin'), `request ${request}`).rejects.toThrow(
        /No answer from 127\.0\.0\.1:\d+ \(ECONNRESET\)/,
      )
      sockets.disarm()
      // Nothing half-done prevents the next try.
      platform.artifacts.clear()
    }
    expect(await upload('small.bin')).toMatchObject({ name: 'small.bin', sizeBytes: 3000 })
  })
})
