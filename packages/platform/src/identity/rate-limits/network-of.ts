/**
 * The part of a client's address that attempts are counted by: an IPv4 address, or the /64 of an IPv6 address, because
 * every customer of a provider has at least 2^64 of them.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const text = `http://[${address.replace(/%.*$/, '')}]`
  if (!URL.canParse(text)) return address
  const [head = '', tail] = new URL(text).hostname.slice(1, -1).split('::')
  const groups = (part: string | undefined) => (part ? part.split(':') : [])
  const [before, after] = [groups(head), groups(tail)]
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after]
  const isMapped = all.slice(0, 5).every((group) => group === '0') && all[5] === 'ffff'
  // Every IPv4 address is in the same /64 of mapped addresses.
  return isMapped ? all.slice(6).join(':') : `${all.slice(0, 4).join(':')}::/64`
}
