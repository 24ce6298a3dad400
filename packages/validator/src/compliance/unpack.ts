import { constants, unzipSync } from 'node:zlib'

/** The beginnings of gzip, and of zlib in its usual settings. */
const PACKED = ['\u001f\u008b', 'x\u0001', 'x\u005e', 'x\u009c', 'x\u00da']
const MAX_BYTES = 4 * 1024 * 1024

/** Whether bytes, each as one character, begin like those of gzip or zlib. */
export function isPacked(text: string): boolean {
  return PACKED.includes(text.slice(0, 2))
}

/**
 * What gzip or zlib has packed, as far as the bytes reach.
 *
 * @returns undefined if the bytes are something else, or of more than 4 MiB
 */
export function unpack(bytes: Uint8Array): Buffer | undefined {
  if (!isPacked(Buffer.from(bytes.subarray(0, 2)).toString('latin1'))) return undefined
  try {
    return unzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_BYTES })
  } catch {
    return undefined
  }
}
