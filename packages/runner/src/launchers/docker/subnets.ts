const BLOCK_BITS = 3
/** Addresses of the network, the gateway, one container and the broadcast, and room to attach a container for debugging. */
const BLOCK_SIZE = 2 ** BLOCK_BITS

const IPV4_RANGE = /^[\d.]+\/\d+$/

interface Range {
  first: number
  last: number
}

/**
 * A free /29 of the range, or undefined when all are taken. The search starts at a random block, so that two runners with
 * one engine rarely choose the same.
 */
export function pickSubnet(
  range: string,
  taken: readonly string[],
  random: () => number = Math.random,
): string | undefined {
  const { first, last } = parseRange(range)
  const blocks = Math.floor((last - first + 1) / BLOCK_SIZE)
  const used = taken.filter((subnet) => IPV4_RANGE.test(subnet)).map(parseRange)
  const start = Math.floor(random() * blocks)
  for (let step = 0; step < blocks; step++) {
    const base = first + ((start + step) % blocks) * BLOCK_SIZE
    const isFree = used.every((other) => other.last < base || other.first > base + BLOCK_SIZE - 1)
    if (isFree) return `${format(base)}/${32 - BLOCK_BITS}`
  }
  return undefined
}

/** The address that a bridge gets by default, such as 172.17.0.1 for 172.17.0.0/16. Undefined: not an IPv4 range. */
export function firstAddress(range: string): string | undefined {
  return IPV4_RANGE.test(range) ? format(parseRange(range).first + 1) : undefined
}

function parseRange(range: string): Range {
  const [address = '', bits = '32'] = range.split('/')
  const size = 2 ** (32 - Number(bits))
  const number = address.split('.').reduce((total, part) => total * 256 + Number(part), 0)
  const first = number - (number % size)
  return { first, last: first + size - 1 }
}

function format(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}
