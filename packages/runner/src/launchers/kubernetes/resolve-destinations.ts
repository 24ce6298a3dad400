import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type Destination, hostCidr } from './network-policy.ts'

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly string[]>

export const resolveWithDns: Resolve = async (host) =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)

/** Resolves names when an attempt is launched, because a NetworkPolicy contains addresses only. */
export async function resolveDestinations(
  urls: readonly string[],
  hosts: readonly string[],
  resolve: Resolve = resolveWithDns,
): Promise<Destination[]> {
  const targets: { host: string; port: number | undefined }[] = [
    ...urls.map((text) => {
      const { hostname, port, protocol } = new URL(text)
      return {
        host: withoutBrackets(hostname),
        port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      }
    }),
    // A manifest names hosts, with or without a port.
    ...hosts.map((text) => {
      const { hostname, port } = new URL(`any://${text}`)
      return { host: withoutBrackets(hostname), port: port === '' ? undefined : Number(port) }
    }),
  ]
  const destinations: Destination[] = []
  for (const { host, port } of targets) {
    // A name that cannot be resolved cannot be reached either.
    const addresses = isIP(host) ? [host] : await resolve(host).catch(() => [])
    for (const ip of addresses) destinations.push({ cidr: hostCidr(ip), port })
  }
  return destinations
}

/** IPv6 addresses in URLs have brackets. */
function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}
