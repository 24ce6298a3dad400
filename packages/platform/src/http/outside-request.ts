import type { lookup } from 'node:dns'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import type { AddressList } from './address-list.ts'
import { guardLookup, isPublicAddress } from './public-address.ts'

const TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 4096

/** A request to an address that a user chose. */
export interface OutsideRequest {
  url: string
  /** Default: GET. */
  method?: string | undefined
  headers?: Readonly<Record<string, string>> | undefined
  body?: string | undefined
  /** Addresses that the operator allows although they are not public. */
  allowed: AddressList
  /** For the whole exchange. Default: 10,000. */
  timeoutMs?: number | undefined
  /** The rest of the answer is not read. Default: 4096. */
  maxAnswerBytes?: number | undefined
  /** Ends the request early. */
  signal?: AbortSignal | undefined
  /** Resolves names. Default: that of the system. */
  resolve?: typeof lookup | undefined
}

export interface OutsideAnswer {
  status: number
  /** The beginning of the body, as UTF-8. */
  text: string
}

/** An answer that is not a text. */
export interface OutsideBytes {
  status: number
  /** Where a redirect leads. */
  location: string | undefined
  /** The beginning of the body. */
  bytes: Buffer
}

/** Thrown before a connection is made: the address is not public, or not https, and the operator has not allowed it. */
export class ForbiddenAddress extends Error {
  override readonly name = 'ForbiddenAddress'
  readonly code = 'forbidden_address'

  constructor(host: string) {
    super(`${host} is not an https address on the public internet; the operator can allow others with OUTBOUND_ALLOW`)
  }
}

/**
 * Sends one request to an address that a user chose, without a way into private networks: the resolved address is checked, and
 * it is the one that is connected to, so that a name cannot change its address in between. Redirects are answers.
 *
 * @throws ForbiddenAddress
 * @throws Error whose message says why there is no answer
 */
export async function requestOutside(options: OutsideRequest): Promise<OutsideAnswer> {
  const { status, bytes } = await readOutside(options)
  return { status, text: bytes.toString('utf8') }
}

/**
 * {@link requestOutside} for what is not a text.
 *
 * @throws ForbiddenAddress
 * @throws Error whose message says why there is no answer
 */
export async function readOutside(options: OutsideRequest): Promise<OutsideBytes> {
  const { body, headers = {}, allowed, method = 'GET', timeoutMs = TIMEOUT_MS, signal, resolve } = options
  const url = new URL(options.url)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new ForbiddenAddress(url.protocol)
  const isReachable = (address: string) =>
    allowed.has(address) || (url.protocol === 'https:' && isPublicAddress(address))
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // Node does not resolve what is an address already.
  if (isIP(host) !== 0 && !isReachable(host)) throw new ForbiddenAddress(host)
  const limit = AbortSignal.timeout(timeoutMs)
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const sent = send(url, {
    method,
    headers: body === undefined ? { ...headers } : { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    lookup: guardLookup(isReachable, { refuse: (name) => new ForbiddenAddress(name), resolve }),
    signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    agent: false,
  })
  try {
    const answer = await new Promise<IncomingMessage>((answered, failed) => {
      sent.on('response', answered)
      sent.on('error', failed)
      sent.end(body)
    })
    const bytes = await readStart(answer, options.maxAnswerBytes ?? MAX_ANSWER_BYTES)
    return { status: answer.statusCode ?? 0, location: answer.headers.location, bytes }
  } catch (error) {
    throw limit.aborted ? new Error(`no answer within ${timeoutMs / 1000} s`, { cause: error }) : error
  } finally {
    sent.destroy()
  }
}

async function readStart(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size >= maxBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxBytes)
}
