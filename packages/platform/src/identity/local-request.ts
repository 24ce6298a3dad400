/** What is looked at of a request: of the web's kind, or made from a socket's handshake. */
export interface RequestHead {
  method: string
  url: string
  headers: Headers
}

/**
 * Whether a request comes from a page of another site. Cookies and the freedom of `AUTH=local` go out with every request
 * that a browser makes, so whatever another page has a hand in is refused: fetches, forms, and sockets alike.
 */
export function isFromElsewhere({ url, headers }: RequestHead, publicUrl?: string): boolean {
  const origin = headers.get('origin')
  if (origin === null) return headers.get('sec-fetch-site') === 'cross-site' && !isNavigation(headers)
  if (publicUrl !== undefined && origin === new URL(publicUrl).origin) return false
  // The scheme is left out: TLS may have ended at a proxy before us.
  const host = headers.get('x-forwarded-host') ?? headers.get('host') ?? new URL(url).host
  return !URL.canParse(origin) || new URL(origin).host !== host.toLowerCase()
}

/** Following a link from elsewhere shows the page to the person, not to that site. */
function isNavigation(headers: Headers): boolean {
  return headers.get('sec-fetch-mode') === 'navigate' && headers.get('sec-fetch-dest') === 'document'
}

/**
 * Whether every name under which the request came is one of this machine. A page whose own name was rebound to 127.0.0.1
 * comes with that name: it is refused here.
 */
export function isForThisMachine({ url, headers }: RequestHead): boolean {
  const host = headers.get('host') ?? new URL(url).host
  const forwarded = headers.get('x-forwarded-host')?.split(',') ?? []
  return [host, ...forwarded].every((name) => isLoopbackName(name))
}

function isLoopbackName(host: string): boolean {
  const address = `http://${host.trim()}`
  if (!URL.canParse(address)) return false
  return isLoopbackHost(new URL(address).hostname)
}

/** `localhost`, names below it, 127.0.0.0/8 and ::1. */
export function isLoopbackHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^\[|\]$/g, '')
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
}
