const addresses = new WeakMap<Request, string>()

/** Stored outside of the request, so that it is available in mounted apps. */
export function setRemoteAddress(request: Request, address: string | undefined): void {
  if (address !== undefined) addresses.set(request, address)
}

/**
 * The address of the client that sent a request; `unknown` without a socket. `X-Forwarded-For` is trusted when it comes from
 * a proxy on this machine or a named one. Each proxy appends the address that it saw, so the list is read from its end.
 */
export function clientAddress(request: Request, trustedProxies: readonly string[] = []): string {
  const forwarded = (request.headers.get('x-forwarded-for') ?? '').split(',').map((part) => part.trim())
  let address = normalise(addresses.get(request) ?? 'unknown')
  while (isLoopback(address) || trustedProxies.includes(address)) {
    const previous = forwarded.pop()
    if (previous === undefined || previous === '') break
    address = normalise(previous)
  }
  return address
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** Converts an IPv4-mapped IPv6 address to IPv4. */
function normalise(address: string): string {
  return address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')
}
