import { readFile } from 'node:fs/promises'

const FILES = ['tcp', 'tcp6', 'udp', 'udp6'] as const
const NOTHING = /^0+$/
const LOOPBACK_V6 = '00000000000000000000000001000000'
const MAPPED_V4 = '0000000000000000FFFF0000'

/**
 * The sockets of a network that lead, or try to lead, to another address than the platform's: one text for each. `pid` is any
 * process in that network.
 */
export async function listForeignConnections(pid: number, platform: string): Promise<string[]> {
  const allowed = toKernelForm(platform)
  const found: string[] = []
  for (const file of FILES) {
    const text = await readFile(`/proc/${pid}/net/${file}`, 'utf8').catch(() => '')
    for (const line of text.split('\n').slice(1)) {
      const [, local = '', remote = ''] = line.trim().split(/\s+/)
      if (isForeign(remote.split(':')[0] ?? '', allowed)) found.push(`${local} ${remote}`)
    }
  }
  return found
}

function isForeign(address: string, allowed: string): boolean {
  if (address === '' || NOTHING.test(address) || address === LOOPBACK_V6) return false
  const short = address.startsWith(MAPPED_V4) ? address.slice(MAPPED_V4.length) : address
  if (short.length > 8) return true
  return !NOTHING.test(short) && !short.endsWith('7F') && short !== allowed
}

/** The kernel writes the four bytes of an address in the order of the processor: the last one first. */
function toKernelForm(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0').toUpperCase())
  return bytes.reverse().join('')
}
