import { invalidRequest, TrainyardError } from '../errors.ts'
import { createGate } from '../system/create-gate.ts'
import { createTurns } from '../system/create-turns.ts'
import { type BodyLimits, type FullBodyLimits, fullLimits } from './body-limits.ts'
import { type Encoding, encodingOf, inflateBody } from './inflate-body.ts'
import { JsonScanner } from './json-scanner.ts'

/** No document of a sender compresses better than this: only one that was made to. */
const MAX_RATIO = 200
/** Below this the ratio does not matter. */
const ALWAYS_INFLATED_BYTES = 1024 * 1024
/** Bodies that are decompressed at the same time: each can need some megabytes. */
const inflating = createGate(2)
/** Shorter text is parsed at once. */
const LONG_TEXT = 256 * 1024
const parsing = createTurns()

/**
 * Reads the text of a JSON body, which may be compressed with `gzip` or `zstd`. It is measured while it arrives, and nothing
 * parses it before it has passed. Call it after authentication: the answer to a caller without permission must not depend on the body.
 *
 * @throws TrainyardError `payload_too_large` with the limits, `invalid_request` when the encoding is wrong
 */
export async function readJsonText(request: Request, limits: BodyLimits): Promise<string> {
  const full = fullLimits(limits)
  const encoding = encodingOf(request.headers)
  const scanner = new JsonScanner(full)
  const scan = (chunk: Uint8Array) => {
    if (!scanner.push(chunk)) throw bodyTooLarge(seenBy(scanner, full), full)
  }
  if (encoding === undefined) return (await collect(request, full, scan)).toString('utf8')
  const raw = await collect(request, full)
  if (raw.byteLength === 0) return ''
  return await inflating(async () => await inflateText(raw, encoding, { full, scan }))
}

async function inflateText(
  raw: Buffer,
  encoding: Encoding,
  { full, scan }: { full: FullBodyLimits; scan: (chunk: Uint8Array) => void },
): Promise<string> {
  const maxBytes = Math.min(full.maxInflatedBytes, Math.max(ALWAYS_INFLATED_BYTES, raw.byteLength * MAX_RATIO))
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of inflateBody(raw, encoding)) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > maxBytes) throw bodyTooLarge(`more than ${maxBytes} bytes decompressed`, full)
    scan(chunk)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The same, parsed. An empty body is `undefined`. */
export async function readJsonBody(request: Request, limits: BodyLimits): Promise<unknown> {
  return await parseJsonText(await readJsonText(request, limits))
}

/** Reads a whole body that is not JSON, such as a form. */
export async function readBody(request: Request, maxBodyBytes: number): Promise<Buffer> {
  return await collect(request, fullLimits({ maxBodyBytes }))
}

/** Parses text that was measured. Empty text is `undefined`. Long texts are parsed in turn. */
export async function parseJsonText(text: string): Promise<unknown> {
  if (text.trim() === '') return undefined
  try {
    return text.length < LONG_TEXT ? JSON.parse(text) : await parsing(() => JSON.parse(text) as unknown)
  } catch (error) {
    throw invalidRequest(
      [{ path: '', detail: 'must be JSON', value: text.slice(0, 200) }],
      `The body is not valid JSON: ${String(error).slice(0, 200)}`,
    )
  }
}

/** Parses JSON that did not come as a body, for example from a pushed blob. `undefined` when it is not JSON or exceeds a limit. */
export function findJson(bytes: Uint8Array, limits: BodyLimits): unknown {
  const full = fullLimits(limits)
  if (bytes.byteLength > full.maxBodyBytes || !new JsonScanner(full).push(bytes)) return undefined
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch {
    return undefined
  }
}

/** A refusal of what a body has. `limits` is sent with it. */
export function bodyTooLarge(seen: string, limits: object): TrainyardError {
  const list = Object.entries(limits).map(([name, value]) => `${name} ${value}`)
  return new TrainyardError('payload_too_large', `The request has ${seen}; the limits are: ${list.join(', ')}`, {
    extra: { limits },
  })
}

function seenBy(
  { isTooDeep, fields, values }: JsonScanner,
  { maxDepth, maxValues, maxFields }: FullBodyLimits,
): string {
  if (isTooDeep) return `arrays or objects nested more than ${maxDepth} deep`
  if (fields > maxFields) return `more than ${maxFields} different fields`
  return `${Math.max(values, maxValues + 1)} values or more`
}

/** The whole body, as sent. `scan` sees each part of it. */
async function collect(
  request: Request,
  limits: FullBodyLimits,
  scan: (chunk: Uint8Array) => void = () => {},
): Promise<Buffer> {
  const { maxBodyBytes } = limits
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > maxBodyBytes) throw bodyTooLarge(`${declared} bytes`, limits)
  try {
    // Reading in one piece a body whose length is known: a stream costs more than most bodies.
    if (declared > 0 && declared <= ALWAYS_INFLATED_BYTES) {
      const raw = Buffer.from(await request.arrayBuffer())
      if (raw.byteLength > maxBodyBytes) throw bodyTooLarge(`${raw.byteLength} bytes`, limits)
      scan(raw)
      return raw
    }
    const chunks: Uint8Array[] = []
    let sizeBytes = 0
    if (request.body === null) return Buffer.alloc(0)
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      sizeBytes += chunk.byteLength
      if (sizeBytes > maxBodyBytes) throw bodyTooLarge(`more than ${maxBodyBytes} bytes`, limits)
      scan(chunk)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    if (error instanceof TrainyardError) throw error
    throw new TrainyardError('invalid_request', 'The connection was closed before the body was complete', {
      cause: error,
    })
  }
}
