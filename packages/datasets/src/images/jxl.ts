import { type ByteSource, readText, readU32BE, readU64BE } from './byte-source.ts'
import type { Orientation } from './exif.ts'

/** Width by height of the ratios that a header names by a number. */
const RATIOS = [
  [1, 1],
  [12, 10],
  [4, 3],
  [3, 2],
  [16, 9],
  [5, 4],
  [2, 1],
] as const
const MAX_BOXES = 64
/** The header of an image ends long before. */
const HEADER_BYTES = 32

/** Size and orientation of a JPEG XL (ISO 18181-1), bare or in its container (18181-2). `fail` throws. */
export function readJxl(
  source: ByteSource,
  fail: (what: string) => never,
): { width: number; height: number; orientation: Orientation } {
  const start = readText(source, 0, 2) === '\xff\x0a' ? 0 : findCodestream(source)
  if (start === undefined || readText(source, start, 2) !== '\xff\x0a') return fail('a JPEG XL without its codestream')
  const bytes = Uint8Array.from(source.slice(start + 2, HEADER_BYTES))
  let position = 0
  const read = (bits: number): number => {
    let value = 0
    for (let bit = 0; bit < bits; bit++, position++)
      value +=
        ((((bytes[position >> 3] ?? fail('a JPEG XL that ends in its header')) >> (position & 7)) & 1) as number) *
        2 ** bit
    return value
  }
  const isSmall = read(1) === 1
  const side = () => 1 + (isSmall ? read(5) * 8 + 7 : read([9, 13, 18, 30][read(2)] ?? 9))
  const height = side()
  const ratio = RATIOS[read(3) - 1]
  const width = ratio === undefined ? side() : Math.floor((height * ratio[0]) / ratio[1])
  const isDefault = read(1) === 1
  const hasMore = !isDefault && read(1) === 1
  return { width, height, orientation: (hasMore ? 1 + read(3) : 1) as Orientation }
}

/** Where the codestream begins in a container: in `jxlc`, or in the first `jxlp` after its number. */
function findCodestream(source: ByteSource): number | undefined {
  for (let at = 0, count = 0; at + 8 <= source.size && count < MAX_BOXES; count++) {
    const length = readU32BE(source, at)
    const type = readText(source, at + 4, 4)
    const head = length === 1 ? 16 : 8
    if (type === 'jxlc') return at + head
    if (type === 'jxlp') return at + head + 4
    const size = length === 1 ? readU64BE(source, at + 8) : length
    if (size < head) return undefined
    at += size
  }
  return undefined
}
