import { randomBytes } from 'node:crypto'

// Crockford's base 32 in lower case: text order is numeric order, and no two characters look alike.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** `prefix_` and 26 characters: 10 for the time in milliseconds, so that ids sort by age, and 16 (80 bits) at random. */
export function newId(prefix: string): string {
  let time = Date.now()
  const head: string[] = []
  for (let index = 0; index < 10; index++) {
    head.unshift(ALPHABET.charAt(time % 32))
    time = Math.floor(time / 32)
  }
  const tail = Array.from(randomBytes(16), (byte) => ALPHABET.charAt(byte % 32))
  return `${prefix}_${head.join('')}${tail.join('')}`
}
