/** Inclusive at both ends, as in HTTP. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * Parses a `Range` header for a resource of `sizeBytes`. `undefined` means the whole resource: there is no header, it has
 * several ranges, or its unit is not bytes. An end beyond the last byte is clamped.
 */
export function parseRange(header: string | null, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/.exec(header ?? '')
  if (!match) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return 'unsatisfiable'
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes)
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes - 1 }
  }
  const start = Number(first)
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)
  return start > end ? 'unsatisfiable' : { start, end }
}

/** Parses the `Content-Range` of an upload, which has no unit: `0-1023`. Some clients send `bytes 0-1023/4096`. */
export function parseContentRange(header: string | null): ByteRange | 'malformed' | undefined {
  if (header === null) return undefined
  const match = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(header.trim())
  if (!match) return 'malformed'
  const range = { start: Number(match[1]), end: Number(match[2]) }
  return range.start > range.end ? 'malformed' : range
}
