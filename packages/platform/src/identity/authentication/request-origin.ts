import { isLoopbackHost } from '../../http/loopback-host.ts'
import type { RequestHead } from '../api/authenticator.ts'

/**
 * Whether a page of another site caused the request. Browsers attach cookies, and reach `AUTH=local` servers, for every
 * page: fetches, forms and sockets of other sites must be refused.
 */
export function isCrossSite({ url, headers }: RequestHead, publicUrl?: string): boolean {
  const origin = headers.get('origin')
  if (origin === null) return headers.get('sec-fetch-site') === 'cross-site' && !isNavigation(headers)
  if (publicUrl !== undefined && origin === new URL(publicUrl).origin) return false
  // The scheme is not compared: a proxy in front of us may have terminated TLS.
  const host = headers.get('x-forwarded-host') ?? headers.get('host') ?? new URL(url).host
  return !URL.canParse(origin) || new URL(origin).host !== host.toLowerCase()
}

/** Following a link from another site shows the answer to the person, not to that site. */
function isNavigation(headers: Headers): boolean {
  return headers.get('sec-fetch-mode') === 'navigate' && headers.get('sec-fetch-dest') === 'document'
}

/**
 * Whether the request names this machine in `Host` and in every `X-Forwarded-Host`. A page whose DNS name was rebound to
 * 127.0.0.1 sends its own name, so it is not mistaken for a local one.
 */
export function isAddressedToLoopback({ url, headers }: RequestHead): boolean {
  const host = headers.get('host') ?? new URL(url).host
  const forwarded = headers.get('x-forwarded-host')?.split(',') ?? []
  return [host, ...forwarded].every((name) => isLoopbackName(name))
}

function isLoopbackName(host: string): boolean {
  const address = `http://${host.trim()}`
  if (!URL.canParse(address)) return false
  return isLoopbackHost(new URL(address).hostname)
}
