import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

/** Side of a digit, in pixels. */
export const DIGIT_SIZE = 28

const PIXELS = DIGIT_SIZE * DIGIT_SIZE

/**
 * The first `count` pictures of one handwritten digit, 0 (paper) to 255 (ink), row by row.
 *
 * Reads the package's data files: its own API builds arrays of every digit first, which takes seconds.
 */
export async function readDigits(digit: number, count: number): Promise<Uint8Array[]> {
  const file = createRequire(import.meta.url).resolve(`mnist/src/digits/${digit}.json`)
  const { data } = JSON.parse(await readFile(file, 'utf8')) as { data: number[] }
  const available = Math.floor(data.length / PIXELS)
  if (available < count) throw new Error(`${file} holds ${available} pictures, ${count} are needed`)
  return Array.from({ length: count }, (_, index) => {
    const picture = new Uint8Array(PIXELS)
    for (let i = 0; i < PIXELS; i++) picture[i] = Math.round((data[index * PIXELS + i] ?? 0) * 255)
    return picture
  })
}
