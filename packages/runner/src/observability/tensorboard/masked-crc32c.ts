import { crc32c } from './crc32c.ts'

/** Masked as the format requires, because checksums of data that contains checksums are weak. */
export function maskedCrc32c(data: Uint8Array): number {
  const crc = crc32c(data)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
