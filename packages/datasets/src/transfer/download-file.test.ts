import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CallbackServer, sendJson, sha256, startCallbackServer } from '../testing/callback-server.ts'
import { downloadFile } from './download-file.ts'
import { createTransport, type Transport } from './transport.ts'

let platform: CallbackServer
let transport: Transport
let dir: string
const backoff = { baseMs: 2, capMs: 5 }
const origin = () => new URL(platform.url).origin

beforeEach(async () => {
  platform = await startCallbackServer()
  transport = createTransport()
  dir = mkdtempSync(join(tmpdir(), 'trainyard-download-'))
})
afterEach(async () => {
  transport.close()
  await platform.close()
  rmSync(dir, { recursive: true, force: true })
})

const createBytes = (size: number) =>
  Buffer.from(Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) % 256))

describe('a download', () => {
  const source = (path: string, bytes: Buffer, kind = 'file') => ({
    url: `${origin()}/get/${kind}/${encodeURIComponent(path)}?signature=secret`,
    sizeBytes: bytes.length,
    sha256: sha256(bytes),
  })

  it('resumes where a broken transfer stopped, and verifies the whole file', async () => {
    const bytes = createBytes(900_000)
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

  it('starts again when the file has changed in the meantime', async () => {
    const bytes = createBytes(900_000)
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

  it('renews a URL that has expired', async () => {
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
    ['a wrong size', Buffer.from('hello!!'), /"a.txt" has 7 bytes, expected 5/],
    ['a wrong digest', Buffer.from('jello'), /has the SHA-256 .*, expected /],
  ])('refuses %s, and leaves no file', async (_what, sent, message) => {
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
