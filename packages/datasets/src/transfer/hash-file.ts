import { createHash } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

/** Smaller files are read in one call: a stream costs more than the bytes. */
const SMALL_BYTES = 1024 * 1024

/** SHA-256 of a file in hex. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  if ((await stat(file)).size <= SMALL_BYTES) return hash.update(readFileSync(file)).digest('hex')
  await pipeline(createReadStream(file, { highWaterMark: SMALL_BYTES }), hash)
  return hash.digest('hex')
}
