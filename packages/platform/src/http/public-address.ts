import { lookup } from 'node:dns'
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net'

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

/**
 * A resolver that gives only addresses that may be reached to the connection, which connects to one of them: a name cannot change
 * its address between the check and the connection.
 */
export function guardLookup(
  isReachable: (address: string) => boolean,
  { refuse, resolve = lookup }: { refuse: (name: string) => Error; resolve?: typeof lookup | undefined },
): LookupFunction {
  return (name, options, done) => {
    resolve(name, { ...options, all: true }, (error, addresses) => {
      const usable = error === null ? addresses.filter(({ address }) => isReachable(address)) : []
      const [first] = usable
      if (error !== null) done(error, '', 0)
      else if (first === undefined) done(refuse(name), '', 0)
      else if (options.all) done(null, usable)
      else done(null, first.address, first.family)
    })
  }
}
