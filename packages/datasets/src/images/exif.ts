import { ShortRead } from '../errors.ts'
import {
  type ByteSource,
  readText,
  readU8,
  readU16BE,
  readU16LE,
  readU32BE,
  readU32LE,
  readU64BE,
  readU64LE,
} from './byte-source.ts'

/** How an image must be rotated or mirrored before it is shown. 1 means not at all; 5 to 8 swap its sides. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

/** The first directory of a TIFF file, or of EXIF data, which has the same layout: the first value of each tag. */
export interface TiffDirectory {
  tags: ReadonlyMap<number, number>
  /** The TIFF has several images. */
  hasNext: boolean
}

const ORIENTATION = 274
/** More entries than any camera writes. A hostile file can claim 65,535, and more in a BigTIFF. */
const MAX_ENTRIES = 4096

/** Reads the directory at `base`. Undefined when it is not a TIFF; throws `ShortRead` when it is cut off. */
export function readTiffDirectory(source: ByteSource, base: number): TiffDirectory | undefined {
  const signature = readText(source, base, 4)
  const isLittle = signature.startsWith('II')
  const isBig = signature === 'II\x2b\0' || signature === 'MM\0\x2b'
  if (!isBig && signature !== 'II\x2a\0' && signature !== 'MM\0\x2a') return undefined
  const u16 = (offset: number) => (isLittle ? readU16LE : readU16BE)(source, base + offset)
  const u32 = (offset: number) => (isLittle ? readU32LE : readU32BE)(source, base + offset)
  const u64 = (offset: number) => (isLittle ? readU64LE : readU64BE)(source, base + offset)
  const offsetSize = isBig ? 8 : 4
  const pointer = isBig ? u64 : u32

  const directory = pointer(isBig ? 8 : 4)
  const count = isBig ? u64(directory) : u16(directory)
  const first = directory + (isBig ? 8 : 2)
  const entrySize = isBig ? 20 : 12
  const tags = new Map<number, number>()
  for (let index = 0; index < Math.min(count, MAX_ENTRIES); index++) {
    const entry = first + index * entrySize
    const type = u16(entry + 2)
    const size = VALUE_SIZES[type]
    if (size === undefined) continue
    const isInline = pointer(entry + 4) * size <= offsetSize
    const at = isInline ? entry + 4 + offsetSize : pointer(entry + 4 + offsetSize)
    const tag = u16(entry)
    if (size === 1) tags.set(tag, readU8(source, base + at))
    else tags.set(tag, size === 2 ? u16(at) : size === 4 ? u32(at) : u64(at))
  }
  const isComplete = count <= MAX_ENTRIES
  return { tags, hasNext: isComplete && pointer(first + count * entrySize) !== 0 }
}

/** Bytes of a value by TIFF type: BYTE, SHORT, LONG, IFD, LONG8. Sizes and orientations have no other type. */
const VALUE_SIZES: Readonly<Record<number, 1 | 2 | 4 | 8>> = { 1: 1, 3: 2, 4: 4, 13: 4, 16: 8 }

/** The orientation in the EXIF data at `base`. Undefined without one and for damaged data, which viewers ignore too. */
export function findOrientation(source: ByteSource, base: number): Orientation | undefined {
  try {
    // Some writers put the prefix of JPEG before it in other formats too.
    const start = readText(source, base, 6) === 'Exif\0\0' ? base + 6 : base
    const directory = readTiffDirectory(source, start)
    return directory && orientationOf(directory)
  } catch (error) {
    if (error instanceof ShortRead) return undefined
    throw error
  }
}

export function orientationOf({ tags }: TiffDirectory): Orientation | undefined {
  const value = tags.get(ORIENTATION)
  return value !== undefined && value >= 1 && value <= 8 ? (value as Orientation) : undefined
}
