import { BlockList, isIP } from 'node:net'
import { z } from 'zod'

/** IP addresses and networks. */
export class AddressList {
  readonly #list = new BlockList()
  readonly #text: string

  /** @throws RangeError which names an entry that is neither an address nor a network */
  constructor(entries: readonly string[] = []) {
    this.#text = entries.join(', ')
    for (const entry of entries) {
      const [address = '', prefix, ...rest] = entry.split('/')
      const family = familyOf(address)
      const bits = family === 'ipv4' ? 32 : 128
      const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
      if (family === undefined || !isPrefix || rest.length > 0) {
        throw new RangeError(
          `"${entry}" is neither an IP address nor a network; expected for example 10.0.0.7, 10.0.0.0/8 or fd00::/8`,
        )
      }
      this.#list.addSubnet(address, prefix === undefined ? bits : Number(prefix), family)
    }
  }

  has(address: string): boolean {
    const family = familyOf(address)
    return family !== undefined && this.#list.check(address, family)
  }

  toString(): string {
    return this.#text
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address)
  if (version === 0 || address.includes('%')) return undefined
  return version === 4 ? 'ipv4' : 'ipv6'
}

/** The variable with a comma-separated list. Default: an empty one. */
export const AddressListVariable = z
  .string()
  .default('')
  .transform((text, context): AddressList => {
    const entries = text.split(',').map((part) => part.trim())
    try {
      return new AddressList(entries.filter((entry) => entry !== ''))
    } catch (error) {
      context.addIssue({ code: 'custom', message: `must be a list of addresses: ${(error as RangeError).message}` })
      return z.NEVER
    }
  })
