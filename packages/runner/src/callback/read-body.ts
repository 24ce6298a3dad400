import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import { invalidRequest, TrainyardError } from '@trainyard/platform'
import { EVENT_LIMITS } from '@trainyard/sdk/contract'

const inflateGzip = promisify(gunzip)
const inflateZstd = promisify(zstdDecompress)

export interface BodyLimits {
  maxBodyBytes: number
  maxInflatedBytes: number
}

/** Reads a JSON body that may be `gzip` or `zstd`; neither the wire's nor the inflated size can exceed its limit. */
export async function readJsonBody(request: Request, limits: BodyLimits = EVENT_LIMITS): Promise<unknown> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > limits.maxBodyBytes) throw tooLarge(`${declared} bytes`, limits)
  const raw = await readLimited(request, limits)
  const text = (await inflate(raw, request.headers.get('content-encoding') ?? 'identity', limits)).toString('utf8')
  if (text.trim() === '') return undefined
  try {
    return storable(text, JSON.parse(text))
  } catch (error) {
    throw invalidRequest(
      [{ path: '', detail: 'must be JSON', value: text.slice(0, 200) }],
      `The body is not JSON: ${String(error)}`,
    )
  }
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
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(`more than ${limits.maxInflatedBytes} bytes inflated`, limits)
    throw invalidRequest([{ path: '', detail: `must be ${encoding} as Content-Encoding says` }])
  }
  throw invalidRequest([
    { path: 'header.content-encoding', detail: 'must be "gzip", "zstd" or absent', value: encoding.slice(0, 50) },
  ])
}

export function tooLarge(seen: string, limits: object): TrainyardError {
  const { maxEvents, maxBodyBytes, maxInflatedBytes } = EVENT_LIMITS
  return new TrainyardError(
    'payload_too_large',
    `The request has ${seen}; the limits are ${maxEvents} events, ${maxBodyBytes} bytes, ${maxInflatedBytes} bytes inflated`,
    { extra: { limits: { ...EVENT_LIMITS, ...limits } } },
  )
}

/** PostgreSQL's text holds neither NUL nor halves of surrogate pairs; they become U+FFFD. */
function storable(text: string, value: unknown): unknown {
  return /\\u(?:0000|d[89a-f])/i.test(text) || text.includes('\uFFFD') ? clean(value) : value
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\u0000', '\uFFFD').toWellFormed()
  if (Array.isArray(value)) return value.map(clean)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [String(clean(key)), clean(item)]))
  return value
}
