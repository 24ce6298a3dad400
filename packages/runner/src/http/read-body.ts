import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import { EVENT_LIMITS } from '@trainyard/contract'
import { fieldIssues, invalidRequest, TrainyardError } from '@trainyard/platform'
import type { z } from 'zod'
import { cleanText, mayNeedCleaning } from './clean-text.ts'

const inflateGzip = promisify(gunzip)
const inflateZstd = promisify(zstdDecompress)

export interface BodyLimits {
  maxBodyBytes: number
  maxInflatedBytes: number
}

/** For requests that hold a few fields. */
export const SMALL_BODY: BodyLimits = { maxBodyBytes: 256 * 1024, maxInflatedBytes: 256 * 1024 }

/**
 * Reads a JSON body, which may be compressed with `gzip` or `zstd`.
 *
 * @throws TrainyardError `payload_too_large` when the body exceeds a limit, compressed or decompressed
 */
export async function readJsonBody(request: Request, limits: BodyLimits = EVENT_LIMITS): Promise<unknown> {
  return parseJson(await readText(request, limits))
}

/** The same, with the characters replaced that PostgreSQL cannot store. */
export async function readCleanJsonBody(request: Request, limits: BodyLimits = EVENT_LIMITS): Promise<unknown> {
  const text = await readText(request, limits)
  const value = parseJson(text)
  return mayNeedCleaning(text) ? cleanText(value) : value
}

async function readText(request: Request, limits: BodyLimits): Promise<string> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > limits.maxBodyBytes) throw tooLarge(`${declared} bytes`, limits)
  const raw = declared > 0 ? await readDeclared(request, limits) : await readLimited(request, limits)
  return (await inflate(raw, request.headers.get('content-encoding') ?? 'identity', limits)).toString('utf8')
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalidRequest(
      [{ path: '', detail: 'must be JSON', value: text.slice(0, 200) }],
      `The body is not valid JSON: ${String(error)}`,
    )
  }
}

/** Reads in one piece a body whose `Content-Length` is known: reading a stream costs more than most bodies. */
async function readDeclared(request: Request, limits: BodyLimits): Promise<Buffer> {
  const raw = Buffer.from(await request.arrayBuffer())
  if (raw.byteLength > limits.maxBodyBytes) throw tooLarge(`${raw.byteLength} bytes`, limits)
  return raw
}

async function readLimited(request: Request, limits: BodyLimits): Promise<Buffer> {
  if (request.body === null) return Buffer.alloc(0)
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > limits.maxBodyBytes) throw tooLarge(`more than ${limits.maxBodyBytes} bytes`, limits)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function inflate(raw: Buffer, encoding: string, limits: BodyLimits): Promise<Buffer> {
  const options = { maxOutputLength: limits.maxInflatedBytes }
  try {
    switch (encoding.trim().toLowerCase()) {
      case '':
      case 'identity':
        return raw
      case 'gzip':
      case 'x-gzip':
        return await inflateGzip(raw, options)
      case 'zstd':
        return await inflateZstd(raw, options)
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(`more than ${limits.maxInflatedBytes} bytes decompressed`, limits)
    throw invalidRequest([{ path: '', detail: `must be encoded with ${encoding}, the value of Content-Encoding` }])
  }
  throw invalidRequest([
    { path: 'header.content-encoding', detail: 'must be "gzip", "zstd" or absent', value: encoding.slice(0, 50) },
  ])
}

export function tooLarge(seen: string, limits: object): TrainyardError {
  const { maxEvents, maxBodyBytes, maxInflatedBytes } = EVENT_LIMITS
  return new TrainyardError(
    'payload_too_large',
    `The request has ${seen}; the limits are ${maxEvents} events, ${maxBodyBytes} bytes, ${maxInflatedBytes} bytes decompressed`,
    { extra: { limits: { ...EVENT_LIMITS, ...limits } } },
  )
}

/** Parses a value with a schema. Throws `invalid_request` whose issues name the fields. */
export function parseBody<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw invalidRequest(fieldIssues(parsed.error, value))
  return parsed.data
}

/** Rejects content types that a page of another site can send without a CORS preflight. */
export function requireJson(request: Request): void {
  const type = request.headers.get('content-type') ?? ''
  if (/^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type)) return
  throw invalidRequest([
    { path: 'header.content-type', detail: 'must be "application/json"', value: type.slice(0, 100) },
  ])
}
