import { randomBytes } from 'node:crypto'

// Crockford's alphabet in lower case: sorts as it counts, and no two signs look alike.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** `prefix_` and 26 signs: 10 of the time in milliseconds, so that ids sort by age, and 16 (80 bits) of chance. */
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
