import { lookup } from 'node:dns'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net'
import type { AddressList } from './address-list.ts'

const TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 4096

function blockList(family: 'ipv4' | 'ipv6', networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [address, prefix] of networks) list.addSubnet(address, prefix, family)
  return list
}

/** Addresses that are not on the public internet: this machine, its networks, and what providers serve to machines. */
const PRIVATE_4 = blockList('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
])
/** Of IPv6, only 2000::/3 is routed, and parts of it wrap other addresses or are for documentation. */
const ROUTED_6 = blockList('ipv6', [['2000::', 3]])
const SPECIAL_6 = blockList('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
])

/** Whether an IP address is on the public internet. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false
  if (isIPv4(address)) return !PRIVATE_4.check(address, 'ipv4')
  return ROUTED_6.check(address, 'ipv6') && !SPECIAL_6.check(address, 'ipv6')
}

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
    lookup: guardedLookup(isReachable, resolve ?? lookup),
    signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    agent: false,
  })
  try {
    const answer = await new Promise<IncomingMessage>((answered, failed) => {
      sent.on('response', answered)
      sent.on('error', failed)
      sent.end(body)
    })
    return { status: answer.statusCode ?? 0, text: await readStart(answer, options.maxAnswerBytes ?? MAX_ANSWER_BYTES) }
  } catch (error) {
    throw limit.aborted ? new Error(`no answer within ${timeoutMs / 1000} s`, { cause: error }) : error
  } finally {
    sent.destroy()
  }
}

/** Gives only addresses that may be reached to the connection. */
function guardedLookup(isReachable: (address: string) => boolean, resolve: typeof lookup): LookupFunction {
  return (name, options, done) => {
    resolve(name, { ...options, all: true }, (error, addresses) => {
      const usable = error === null ? addresses.filter(({ address }) => isReachable(address)) : []
      const [first] = usable
      if (error !== null) done(error, '', 0)
      else if (first === undefined) done(new ForbiddenAddress(name), '', 0)
      else if (options.all) done(null, usable)
      else done(null, first.address, first.family)
    })
  }
}

async function readStart(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size >= maxBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8')
}
