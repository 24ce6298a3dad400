import { randomBytes } from 'node:crypto'
import { type EventEmitter, once } from 'node:events'
import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Listening, listen } from '../http/listen.ts'
import { streamOf } from '../http/raw-exchange.ts'
import { FileRange } from './file-range.ts'

const KIB = 1024
const BYTES = randomBytes(3000 * KIB)

let dir: string
let file: string
let server: Listening
/** When the last file that was opened is closed. */
let closed: Promise<unknown>
const url = (start: number, length: number) => `${server.url}/?start=${start}&end=${start + length - 1}`

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-range-'))
  file = join(dir, 'file')
  await writeFile(file, BYTES)
  const fetch = async (request: Request) => {
    const { searchParams } = new URL(request.url)
    const range = { start: Number(searchParams.get('start')), end: Number(searchParams.get('end')) }
    const handle = await open(file)
    // A handle is an emitter, which its type does not say.
    closed = once(handle as unknown as EventEmitter, 'close')
    const headers = { 'content-length': String(range.end - range.start + 1) }
    return new Response(streamOf(new FileRange(handle, range)), { headers })
  }
  server = await listen({ fetch }, { port: 0 })
})
afterAll(async () => {
  await server.close()
  await rm(dir, { recursive: true })
})

it.each([
  [0, 1],
  [5, 256 * KIB],
  [0, 256 * KIB + 1],
  [100, 2999 * KIB],
  [0, 3000 * KIB],
])('sends the bytes from %d, %d of them, and closes the file', async (start, length) => {
  const bytes = Buffer.from(await (await fetch(url(start, length))).arrayBuffer())
  expect(bytes.equals(BYTES.subarray(start, start + length))).toBe(true)
  await closed
})

it('sends each of many readers its own bytes', async () => {
  const length = 2900 * KIB
  const starts = Array.from({ length: 12 }, (_, index) => index * 1000)
  const answers = starts.map(async (start) => Buffer.from(await (await fetch(url(start, length))).arrayBuffer()))
  for (const [index, bytes] of (await Promise.all(answers)).entries())
    expect(bytes.equals(BYTES.subarray(index * 1000, index * 1000 + length))).toBe(true)
})

it('closes the file of a reader that goes away', async () => {
  const call = request(url(0, BYTES.byteLength)).end()
  const [response] = await once(call, 'response')
  response.destroy()
  await closed
})

it('ends the connection when the file has become shorter', async () => {
  const short = join(dir, 'short')
  await writeFile(short, BYTES)
  file = short
  await truncate(short, 1000 * KIB)
  await expect((await fetch(url(0, BYTES.byteLength))).arrayBuffer()).rejects.toThrow()
  await closed
})

it('can be read without a connection, and closed without being read', async () => {
  file = join(dir, 'file')
  const read = new FileRange(await open(file), { start: 10, end: 1500 * KIB })
  const chunks: Uint8Array[] = []
  for await (const chunk of read) chunks.push(chunk)
  expect(Buffer.concat(chunks).equals(BYTES.subarray(10, 1500 * KIB + 1))).toBe(true)
  const handle = await open(file)
  await new FileRange(handle, { start: 0, end: 1 }).close()
  expect(handle.fd).toBe(-1)
})
