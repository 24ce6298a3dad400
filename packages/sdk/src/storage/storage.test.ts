import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CallbackServer, problem, sendJson, sha256, startCallbackServer } from '@trainyard/datasets/testing'
import { createTransport, downloadFile, type Transport } from '@trainyard/datasets/transfer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPlatformApi } from '../http/platform-api.ts'
import { createTokenSource } from '../http/token-source.ts'
import { type UploadContext, uploadFile } from './upload-file.ts'

let platform: CallbackServer
let transport: Transport
let dir: string
let context: UploadContext
const backoff = { baseMs: 2, capMs: 5 }
const origin = () => new URL(platform.url).origin

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
  it('sends a file with its length and digest, and has it checked', async () => {
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

  it('sends parts side by side and tries a broken one again', async () => {
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

  it('says how far it is, and tells the whole in the end', async () => {
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
  ])('of %s gets fresh signatures when those it has run out, whatever the clocks say', async (_what, partBytes) => {
    const { file, bytes } = writeRandom('big.bin', 150_000)
    platform.partBytes = partBytes
    const used = new Set<string>()
    platform.intercept = (request, response) => {
      // Storage takes a signature at its second announcement only.
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

  it('is made again once when the file was written to on the way', async () => {
    const { file } = writeRandom('last.bin', 1000)
    platform.intercept = (request, response) => {
      if (!request.url?.endsWith('/a1/complete')) return false
      writeFileSync(file, 'a newer checkpoint')
      sendJson(response, 422, problem(422, 'unprocessable'))
      return true
    }
    const artifact = await uploadFile(context, 'checkpoint', file)
    expect(artifact).toMatchObject({ id: 'a2', sizeBytes: 18, sha256: sha256(Buffer.from('a newer checkpoint')) })
  })

  it('outlasts an outage of many tries', async () => {
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

  it('gives up when both tries and time are used up', async () => {
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

  it('packs a folder into the same tar each time', async () => {
    mkdirSync(join(dir, 'model'))
    writeFileSync(join(dir, 'model', 'model.json'), '{}')
    writeFileSync(join(dir, 'model', 'weights.bin'), 'weights')
    const first = await uploadFile(context, 'export', join(dir, 'model'))
    const second = await uploadFile(context, 'export', join(dir, 'model'))
    expect(first.name).toBe('model.tar')
    expect(second.sha256).toBe(first.sha256)
    expect(platform.artifacts.get(first.id)?.bytes.toString()).toContain('weights.bin')
  })

  it('says neither signature nor token when storage refuses', async () => {
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

describe('a download', () => {
  const source = (path: string, bytes: Buffer, kind = 'file') => ({
    url: `${origin()}/get/${kind}/${encodeURIComponent(path)}?signature=secret`,
    sizeBytes: bytes.length,
    sha256: sha256(bytes),
  })

  it('goes on where a broken transfer stopped, and checks the whole', async () => {
    const { bytes } = writeRandom('big.bin', 900_000)
    platform.files = [{ path: 'big.bin', bytes }]
    const ranges: (string | undefined)[] = []
    platform.intercept = (request, response) => {
      ranges.push(request.headers.range)
      if (ranges.length > 1) return false
      response.writeHead(200, { 'content-length': bytes.length, etag: `"${sha256(bytes).slice(0, 16)}"` })
      response.write(bytes.subarray(0, 500_000), () => setTimeout(() => request.socket.destroy(), 50))
      return true
    }
    const target = join(dir, 'target.bin')
    await downloadFile({ transport, backoff }, source('big.bin', bytes), target, 'big.bin')
    expect(readFileSync(target).equals(bytes)).toBe(true)
    expect(ranges).toHaveLength(2)
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/)
    expect(existsSync(`${target}.part`)).toBe(false)
  })

  it('starts again when the file has changed in between', async () => {
    const { bytes } = writeRandom('big.bin', 900_000)
    platform.files = [{ path: 'big.bin', bytes }]
    let count = 0
    platform.intercept = (request, response) => {
      if (count++ > 0) return false
      response.writeHead(200, { 'content-length': bytes.length, etag: '"an-older-one"' })
      response.write(Buffer.alloc(500_000), () => setTimeout(() => request.socket.destroy(), 50))
      return true
    }
    await downloadFile({ transport, backoff }, source('big.bin', bytes), join(dir, 'target.bin'), 'big.bin')
    expect(readFileSync(join(dir, 'target.bin')).equals(bytes)).toBe(true)
  })

  it('asks for a fresh URL when this one has expired', async () => {
    const bytes = Buffer.from('hello')
    platform.files = [{ path: 'a.txt', bytes }]
    platform.intercept = (request, response) => {
      if (!request.url?.includes('old')) return false
      sendJson(response, 403, {})
      return true
    }
    const old = { ...source('a.txt', bytes), url: `${origin()}/get/file/a.txt?signature=old` }
    await downloadFile({ transport, backoff }, old, join(dir, 'a.txt'), 'a.txt', async () => source('a.txt', bytes))
    expect(readFileSync(join(dir, 'a.txt'), 'utf8')).toBe('hello')
  })

  it.each([
    ['another size', Buffer.from('hello!!'), /came with 7 bytes; 5 were announced/],
    ['another digest', Buffer.from('jello'), /came with the SHA-256 .*; .* was announced/],
  ])('refuses %s than was announced, and leaves nothing', async (_what, sent, message) => {
    platform.files = [{ path: 'a.txt', bytes: sent }]
    const announced = source('a.txt', Buffer.from('hello'))
    const download = downloadFile(
      { transport, backoff, limits: { maxTries: 2 } },
      announced,
      join(dir, 'a.txt'),
      'a.txt',
    )
    await expect(download).rejects.toThrow(message)
    expect(existsSync(join(dir, 'a.txt'))).toBe(false)
  })
})
