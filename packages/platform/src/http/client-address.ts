import { timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { PAGES_SECRET_HEADER } from '@trainyard/contract'
import type { AddressList } from './address-list.ts'

/** Whose `X-Forwarded-For` is believed. Nothing else is, wherever it comes from: any program can send the header. */
export interface ForwarderTrust {
  trustedProxies: AddressList
  /** Proves that the pages sent a request, with the address of their viewer. */
  pagesSecret?: string | undefined
}

const addresses = new WeakMap<Request, string>()

/** Stored outside of the request, so that it is available in mounted apps. */
export function setRemoteAddress(request: Request, address: string | undefined): void {
  if (address !== undefined) addresses.set(request, address)
}

/**
 * The address of the client that sent a request; `unknown` without a socket. Each trusted proxy appends the address that it
 * saw to `X-Forwarded-For`, so the list is read from its end, as far as the trust reaches.
 */
export function clientAddress(request: Request, { trustedProxies, pagesSecret }: ForwarderTrust): string {
  const forwarded = (request.headers.get('x-forwarded-for') ?? '').split(',')
  let address = normalise(addresses.get(request) ?? 'unknown')
  let isTrusted = isSecret(request.headers.get(PAGES_SECRET_HEADER), pagesSecret) || trustedProxies.has(address)
  while (isTrusted) {
    const previous = normalise(forwarded.pop() ?? '')
    // Neither a missing entry nor what is no address says who the client is.
    if (isIP(previous) === 0) break
    address = previous
    isTrusted = trustedProxies.has(address)
  }
  return address
}

function isSecret(given: string | null, expected: string | undefined): boolean {
  if (given === null || expected === undefined || expected === '') return false
  const [one, other] = [Buffer.from(given), Buffer.from(expected)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** Converts an IPv4-mapped IPv6 address to IPv4, and removes the port that some proxies append. */
function normalise(text: string): string {
  const address = text.trim().toLowerCase()
  const bare = /^\[([0-9a-f:.]+)\](?::\d+)?$/.exec(address)?.[1] ?? /^([\d.]+):\d+$/.exec(address)?.[1] ?? address
  return bare.replace(/^::ffff:(?=\d+\.)/, '')
}
