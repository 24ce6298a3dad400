import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ResourceError, ValidationError } from '@trainyard/contract/trainer-errors'
import { type CallbackServer, problem, sendJson, sha256, startCallbackServer } from '@trainyard/datasets/testing'
import { createTransport, type Transport } from '@trainyard/datasets/transfer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPlatformApi } from '../http/platform-api.ts'
import { createTokenSource } from '../http/token-source.ts'
import { type UploadContext, uploadFile } from './upload-file.ts'

let platform: CallbackServer
let transport: Transport
let dir: string
let context: UploadContext
const backoff = { baseMs: 2, capMs: 5 }

beforeEach(async () => {
  platform = await startCallbackServer()
  transport = createTransport()
  dir = mkdtempSync(join(tmpdir(), 'trainyard-storage-'))
  const token = createTokenSource({ token: 'very-secret-token' })
  const api = createPlatformApi({ baseUrl: platform.url, token, transport, backoff })
  context = { api, transport, workDir: dir, backoff }
})
afterEach(async () => {
  transport.close()
  await platform.close()
  rmSync(dir, { recursive: true, force: true })
})

function writeRandom(name: string, size: number): { file: string; bytes: Buffer } {
  const bytes = Buffer.from(Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) % 256))
  const file = join(dir, name)
  writeFileSync(file, bytes)
  return { file, bytes }
}

describe('an upload', () => {
  it('sends a file with its length and digest, and has the platform verify it', async () => {
    const { file, bytes } = writeRandom('best.bin', 100_000)
    const artifact = await uploadFile(context, 'checkpoint', file)
    expect(artifact).toEqual({ id: 'a1', name: 'best.bin', sizeBytes: 100_000, sha256: sha256(bytes) })
    expect(platform.artifacts.get('a1')?.bytes.equals(bytes)).toBe(true)
    expect(platform.requests).toEqual([
      'POST /v1/jobs/7/artifacts',
      'PUT /put/a1',
      'POST /v1/jobs/7/artifacts/a1/complete',
    ])
  })

  it('sends parts in parallel and repeats a broken one', async () => {
    const { file, bytes } = writeRandom('big.bin', 250_000)
    platform.partBytes = 60_000
    let failures = 0
    platform.intercept = (request, response) => {
      if (request.method !== 'PUT' || !request.url?.includes('offset=60000') || failures++ > 1) return false
      if (failures === 1) request.socket.destroy()
      else sendJson(response, 503, {})
      return true
    }
    await uploadFile(context, 'checkpoint', file)
    expect(platform.artifacts.get('a1')?.bytes.equals(bytes)).toBe(true)
    expect(platform.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(7)
  })

  it('reports its progress up to the whole file', async () => {
    const { file } = writeRandom('big.bin', 700_000)
    platform.partBytes = 300_000
    const seen: number[] = []
    await uploadFile(context, 'checkpoint', file, {
      onProgress({ sentBytes, totalBytes }) {
        expect(totalBytes).toBe(700_000)
        seen.push(sentBytes)
      },
    })
    expect(seen.length).toBeGreaterThan(3)
    expect(seen.at(-1)).toBe(700_000)
    expect(Math.max(...seen)).toBe(700_000)
  })

  it.each([
    ['a file', undefined],
    ['parts', 60_000],
  ])('of %s renews expired signatures, whatever the clocks show', async (_what, partBytes) => {
    const { file, bytes } = writeRandom('big.bin', 150_000)
    platform.partBytes = partBytes
    const used = new Set<string>()
    platform.intercept = (request, response) => {
      // Storage accepts signatures of the second announcement only.
      if (request.method !== 'PUT' || platform.announcements > 1) return false
      used.add(request.url ?? '')
      sendJson(response, 403, {})
      return true
    }
    await uploadFile(context, 'checkpoint', file)
    expect(used.size).toBeGreaterThan(0)
    expect(platform.announcements).toBe(2)
    expect(platform.artifacts.get('a1')?.bytes.equals(bytes)).toBe(true)
  })

  it('is repeated once when its bytes were damaged on the way', async () => {
    const { file, bytes } = writeRandom('last.bin', 1000)
    let refusals = 0
    platform.intercept = (request, response) => {
      if (!request.url?.endsWith('/complete') || refusals++ > 0) return false
      sendJson(response, 422, problem(422, 'unprocessable'))
      return true
    }
    expect(await uploadFile(context, 'checkpoint', file)).toMatchObject({ sha256: sha256(bytes) })
    expect(platform.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(2)
  })

  it.each([
    ['truncated', (file: string) => truncateSync(file, 40), 'it had 3000000 bytes and now has 40 bytes'],
    ['appended to', (file: string) => appendFileSync(file, 'x'), 'it had 3000000 bytes and now has 3000001 bytes'],
    ['deleted', (file: string) => rmSync(file), 'it had 3000000 bytes and no longer exists'],
    [
      'replaced',
      (file: string) => {
        writeFileSync(`${file}.new`, Buffer.alloc(3_000_000))
        renameSync(`${file}.new`, file)
      },
      'it had 3000000 bytes and was written again (3000000 bytes)',
    ],
    ['rewritten in place', (file: string) => writeFileSync(file, Buffer.alloc(3_000_000)), 'was written again'],
  ])('of a file that is %s meanwhile fails at once, with both sizes', async (_how, change, message) => {
    const { file } = writeRandom('last.bin', 3_000_000)
    const startedAt = performance.now()
    const uploading = uploadFile(context, 'checkpoint', file, {
      onProgress: ({ sentBytes }) => {
        if (sentBytes === 256 * 1024) change(file)
      },
    })
    await expect(uploading).rejects.toThrow(ResourceError)
    await expect(uploading).rejects.toThrow(message)
    expect(performance.now() - startedAt).toBeLessThan(20_000)
    expect(platform.requests.filter((request) => request.endsWith('/complete'))).toEqual([])
  })

  it.each([
    [413, 'payload_too_large', ResourceError, 'sizeBytes is 1000; the limit is 10'],
    [400, 'invalid_request', ValidationError, 'name must be a relative path'],
  ])('that the platform refuses with %i is not an error of the network', async (status, code, type, detail) => {
    const { file } = writeRandom('best.bin', 1000)
    platform.intercept = (request, response) => {
      if (!request.url?.endsWith('/artifacts')) return false
      sendJson(response, status, { ...problem(status, code), detail })
      return true
    }
    const uploading = uploadFile(context, 'checkpoint', file)
    await expect(uploading).rejects.toThrow(type)
    await expect(uploading).rejects.toThrow(detail)
    await expect(uploading).rejects.toMatchObject({ retryable: false })
  })

  it('that storage refuses reports the code and the message of storage', async () => {
    const { file } = writeRandom('best.bin', 1000)
    platform.intercept = (request, response) => {
      if (request.method !== 'PUT') return false
      response
        .writeHead(403)
        .end(
          '<Error><Code>QuotaExceeded</Code><Message>The bucket is full</Message><StringToSign>secret</StringToSign></Error>',
        )
      return true
    }
    const uploading = uploadFile(context, 'checkpoint', file)
    await expect(uploading).rejects.toThrow(/answered an upload with 403: QuotaExceeded, The bucket is full$/)
  })

  it('survives an outage of many tries', async () => {
    const { file } = writeRandom('best.bin', 1000)
    let refusals = 0
    platform.intercept = (_request, response) => {
      if (refusals >= 40) return false
      refusals++
      sendJson(response, 503, problem(503, 'unavailable'))
      return true
    }
    expect((await uploadFile(context, 'checkpoint', file)).id).toBe('a1')
    expect(refusals).toBe(40)
  })

  it('gives up when both limits are reached, tries and time', async () => {
    const { file } = writeRandom('best.bin', 1000)
    let tries = 0
    platform.intercept = (request, response) => {
      if (request.method !== 'PUT') return false
      tries++
      sendJson(response, 503, {})
      return true
    }
    const limits = { maxTries: 3, giveUpAfterMs: 0 }
    await expect(uploadFile({ ...context, limits }, 'checkpoint', file)).rejects.toThrow(/answered an upload with 503/)
    expect(tries).toBe(3)
  })

  it('packs a folder reproducibly', async () => {
    mkdirSync(join(dir, 'model'))
    writeFileSync(join(dir, 'model', 'model.json'), '{}')
    writeFileSync(join(dir, 'model', 'weights.bin'), 'weights')
    const first = await uploadFile(context, 'export', join(dir, 'model'))
    const second = await uploadFile(context, 'export', join(dir, 'model'))
    expect(first.name).toBe('model.tar')
    expect(second.sha256).toBe(first.sha256)
    expect(platform.artifacts.get(first.id)?.bytes.toString()).toContain('weights.bin')
  })

  it('shows neither signature nor token when storage refuses', async () => {
    const { file } = writeRandom('best.bin', 10)
    platform.intercept = (request, response) => {
      if (request.method !== 'PUT') return false
      sendJson(response, 400, {})
      return true
    }
    const error = await uploadFile(context, 'checkpoint', file).catch((failure: Error) => failure)
    expect(String(error)).toMatch(/Storage at 127\.0\.0\.1:\d+ answered an upload with 400/)
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toMatch(/signature|secret/)
  })
})
