import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

const INTERNAL = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  INTERNAL.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  INTERNAL.addSubnet(net, prefix, 'ipv6')

/** False for addresses of this machine, of private networks, and of cloud services at link-local addresses. */
export function isPublic(address: string): boolean {
  // The IPv4 rules also match IPv4-mapped IPv6 addresses.
  return !INTERNAL.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** A host of a manifest must not lead to an internal address, whatever its DNS returns. */
export const lookupPublic: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 4)
    const allowed = addresses.filter(({ address }) => isPublic(address))
    const first = allowed[0]
    if (first === undefined) return callback(new Error(`${host} has no public address`), '', 4)
    if (options.all === true) callback(null, allowed)
    else callback(null, first.address, first.family)
  })
}
