/** Files of at least this size are uploaded in parts. */
export const MULTIPART_FROM_BYTES = 64 * 1024 ** 2
const PART_BYTES = 32 * 1024 ** 2
const MAX_PARTS = 10_000

/** Divides a file into parts of equal size, within the number of parts that a store accepts. */
export function planParts(sizeBytes: number): { partNumber: number; offset: number; sizeBytes: number }[] {
  const partBytes = Math.max(PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS))
  const count = Math.ceil(sizeBytes / partBytes)
  return Array.from({ length: count }, (_, index) => ({
    partNumber: index + 1,
    offset: index * partBytes,
    sizeBytes: Math.min(partBytes, sizeBytes - index * partBytes),
  }))
}
