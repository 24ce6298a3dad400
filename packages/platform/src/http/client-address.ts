const addresses = new WeakMap<Request, string>()

/** Kept beside the request: it survives being handed from app to app. */
export function setRemoteAddress(request: Request, address: string | undefined): void {
  if (address !== undefined) addresses.set(request, address)
}

/**
 * The address of whoever sent a request. What `X-Forwarded-For` says is believed of proxies on this machine and of those that
 * are named: each adds the address that it saw at the end, so the list is read from there. `unknown` without a socket.
 */
export function clientAddress(request: Request, trustedProxies: readonly string[] = []): string {
  const forwarded = (request.headers.get('x-forwarded-for') ?? '').split(',').map((part) => part.trim())
  let address = plain(addresses.get(request) ?? 'unknown')
  while (isLoopback(address) || trustedProxies.includes(address)) {
    const before = forwarded.pop()
    if (before === undefined || before === '') break
    address = plain(before)
  }
  return address
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

/** IPv4 in the form of IPv6 is the same address. */
function plain(address: string): string {
  return address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')
}
