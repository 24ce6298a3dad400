import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type Destination, hostCidr } from './network-policy.ts'

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly string[]>

export const resolveWithDns: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)

/** NetworkPolicies know addresses only: the names are looked up when an attempt is launched. */
export async function resolveDestinations(
  urls: readonly string[],
  hosts: readonly string[],
  resolve: Resolve = resolveWithDns,
): Promise<Destination[]> {
  const wanted = [
    ...urls.map((text) => {
      const { hostname, port, protocol } = new URL(text)
      return { host: bare(hostname), port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) }
    }),
    // A manifest names hosts, and sometimes their port.
    ...hosts.map((text) => {
      const { hostname, port } = new URL(`any://${text}`)
      return { host: bare(hostname), ...(port === '' ? {} : { port: Number(port) }) }
    }),
  ]
  const found: Destination[] = []
  for (const { host, port } of wanted) {
    // A name that nobody knows cannot be reached either.
    const addresses = isIP(host) ? [host] : await resolve(host).catch(() => [])
    for (const ip of addresses) found.push({ cidr: hostCidr(ip), ...(port === undefined ? {} : { port }) })
  }
  return found
}

/** URLs put IPv6 addresses into brackets. */
function bare(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}
