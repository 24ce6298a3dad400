import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { downloadFile } from './download-file.ts'
import { readNotes } from './range-notes.ts'
import { createTransport, type Transport } from './transport.ts'

const SIZE = 1_000_003
const RANGE = 100_000
const bytesOf = (seed: number) =>
  Buffer.from(Array.from({ length: SIZE }, (_, index) => (index * seed + (index >> 9)) % 256))

let server: Server
let transport: Transport
let dir: string
let bytes: Buffer
let etag: string | undefined
let ranges: (string | undefined)[]
/** Handles the request and returns true, or leaves it to the server. */
let intercept: (request: IncomingMessage, response: ServerResponse, count: number) => boolean

beforeEach(async () => {
  bytes = bytesOf(31)
  etag = '"one"'
  ranges = []
  intercept = () => false
  dir = mkdtempSync(join(tmpdir(), 'trainyard-ranges-'))
  transport = createTransport()
  server = createServer((request, response) => {
    ranges.push(request.headers.range)
    if (intercept(request, response, ranges.length)) return
    sendRange(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  transport.close()
  server.closeAllConnections()
  server.close()
  rmSync(dir, { recursive: true, force: true })
})

function sendRange(request: IncomingMessage, response: ServerResponse, cutAt = Number.POSITIVE_INFINITY): void {
  const [, start = 0, last = 0] = (/^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []).map(Number)
  if (etag !== undefined) response.setHeader('etag', etag)
  if (request.headers['if-range'] !== undefined && request.headers['if-range'] !== etag) {
    response.writeHead(200, { 'content-length': SIZE }).end(bytes)
    return
  }
  const head = { 'content-length': last + 1 - start, 'content-range': `bytes ${start}-${last}/${SIZE}` }
  response.writeHead(206, head)
  if (last + 1 - start <= cutAt) response.end(bytes.subarray(start, last + 1))
  else response.write(bytes.subarray(start, start + cutAt), () => setTimeout(() => request.socket.destroy(), 20))
}

const download = (signal?: AbortSignal) =>
  downloadFile(
    {
      transport,
      backoff: { baseMs: 2, capMs: 5 },
      limits: { maxTries: 3, giveUpAfterMs: 10 },
      rangesFromBytes: SIZE,
      rangeBytes: RANGE,
      signal,
    },
    {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/big?signature=secret`,
      sizeBytes: SIZE,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    },
    join(dir, 'big.bin'),
    'big.bin',
  )
const isWhole = () => readFileSync(join(dir, 'big.bin')).equals(bytes)

describe('a large download', () => {
  it('arrives in ranges and leaves only the file', async () => {
    await download()
    expect(isWhole()).toBe(true)
    expect(new Set(ranges).size).toBe(11)
    expect(readdirSync(dir)).toEqual(['big.bin'])
  })

  it('resumes inside a range that broke off', async () => {
    intercept = (request, response, count) => {
      if (count !== 3) return false
      sendRange(request, response, 40_000)
      return true
    }
    await download()
    expect(isWhole()).toBe(true)
    expect(ranges).toHaveLength(12)
    expect(
      ranges.some((range) => range !== undefined && !/^bytes=\d*00000-/.test(range) && range !== 'bytes=0-99999'),
    ).toBe(true)
  })

  it('requests only the missing ranges after its process has ended', async () => {
    const stop = new AbortController()
    intercept = (_request, _response, count) => {
      if (count < 6) return false
      stop.abort(new Error('killed'))
      return true
    }
    await expect(download(stop.signal)).rejects.toThrow('killed')
    const done = [...(readNotes(join(dir, 'big.bin.part.json'))?.done ?? [])]
    ranges = []
    intercept = () => false
    await download()
    expect(isWhole()).toBe(true)
    expect(done.length).toBeGreaterThan(0)
    expect(ranges).toHaveLength(11 - done.length)
    expect(readdirSync(dir)).toEqual(['big.bin'])
  })

  it('starts again when the file has changed since the start', async () => {
    const old = bytes
    const fresh = bytesOf(17)
    intercept = (_request, _response, count) => {
      // The first three ranges belong to an older file.
      bytes = count <= 3 ? old : fresh
      etag = count <= 3 ? '"old"' : '"new"'
      return false
    }
    bytes = fresh
    await download()
    expect(isWhole()).toBe(true)
  })

  it('arrives in one response from a server without ranges', async () => {
    intercept = (_request, response) => {
      response.writeHead(200, { 'content-length': SIZE }).end(bytes)
      return true
    }
    await download()
    expect(isWhole()).toBe(true)
    expect(ranges).toEqual(['bytes=0-99999', undefined])
  })

  it('is fetched again when a byte is wrong, and finally refused', async () => {
    intercept = (request, response) => {
      const good = bytes
      bytes = Buffer.from(good)
      bytes[500_000] = (good[500_000] as number) ^ 1
      sendRange(request, response)
      bytes = good
      return true
    }
    await expect(download()).rejects.toThrow(/has the SHA-256 .*, expected /)
    expect(readdirSync(dir)).toEqual([])
  })

  it('names the storage host and not the URL when it is refused', async () => {
    intercept = (_request, response) => {
      response.writeHead(404, { 'content-length': 0 }).end()
      return true
    }
    const error = await download().catch((failure: Error) => failure)
    expect(String(error)).toMatch(/Storage at 127\.0\.0\.1:\d+ answered the download of "big.bin" with 404/)
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('secret')
  })
})
