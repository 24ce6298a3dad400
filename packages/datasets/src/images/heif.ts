import { type ByteSource, readText, readU8, readU16BE, readU32BE, readU64BE } from './byte-source.ts'
import type { Orientation } from './exif.ts'

interface Box {
  type: string
  /** The first byte of its content, and the first byte after it. */
  start: number
  end: number
}

interface Found {
  width: number
  height: number
  orientation?: Orientation | undefined
  bitDepth: number
}

/** More boxes than any camera writes: a hostile file can have millions. */
const MAX_BOXES = 4096

/**
 * Size and rotation of the primary image of a HEIC or AVIF file (ISO 23008-12). Its EXIF orientation does not count: the
 * properties of the container do. `fail` throws.
 */
export function readHeif(source: ByteSource, fail: (what: string) => never): Found {
  const meta = find(source, { start: 0, end: source.size }, 'meta')
  if (meta === undefined) return fail('a HEIC or AVIF without its box "meta"')
  // A full box begins with a version and flags.
  const inside = { start: meta.start + 4, end: meta.end }
  const primary = find(source, inside, 'pitm')
  const properties = find(source, inside, 'iprp')
  const list = properties && find(source, properties, 'ipco')
  if (primary === undefined || properties === undefined || list === undefined)
    return fail('a HEIC or AVIF without a primary image')
  const id =
    readU8(source, primary.start) === 0 ? readU16BE(source, primary.start + 4) : readU32BE(source, primary.start + 4)
  const boxes = [...boxesIn(source, list)]
  const own = [...propertiesOf(source, properties, id)].flatMap((index) => boxes[index - 1] ?? [])
  const size = own.find(({ type }) => type === 'ispe')
  if (size === undefined) return fail('a HEIC or AVIF without the size of its primary image')
  return {
    width: croppedSide(source, own, 0) ?? readU32BE(source, size.start + 4),
    height: croppedSide(source, own, 8) ?? readU32BE(source, size.start + 8),
    orientation: orientationOf(source, own),
    bitDepth: depthOf(source, own),
  }
}

/** A side of the clean aperture: encoders pad odd sides. Two numbers, the second divides the first. */
function croppedSide(source: ByteSource, own: readonly Box[], offset: number): number | undefined {
  const crop = own.find(({ type }) => type === 'clap')
  if (crop === undefined) return undefined
  const side = readU32BE(source, crop.start + offset) / readU32BE(source, crop.start + offset + 4)
  return side >= 1 && Number.isFinite(side) ? Math.round(side) : undefined
}

/** Quarter turns against the clock, and a mirror. */
function orientationOf(source: ByteSource, own: readonly Box[]): Orientation {
  const rotation = own.find(({ type }) => type === 'irot')
  const turns = rotation === undefined ? 0 : readU8(source, rotation.start) & 3
  const isMirrored = own.some(({ type }) => type === 'imir')
  const plain = [1, 8, 3, 6] as const
  const mirrored = [2, 5, 4, 7] as const
  return (isMirrored ? mirrored : plain)[turns] ?? 1
}

function depthOf(source: ByteSource, own: readonly Box[]): number {
  const depth = own.find(({ type }) => type === 'pixi')
  return depth === undefined ? 0 : readU8(source, depth.start + 5)
}

/** The numbers of the properties of an item, from 1 on. */
function* propertiesOf(source: ByteSource, properties: Box, id: number): Generator<number> {
  for (const box of boxesIn(source, properties)) {
    if (box.type !== 'ipma') continue
    const isLong = readU8(source, box.start) > 0
    const isWide = (readU8(source, box.start + 3) & 1) === 1
    const count = readU32BE(source, box.start + 4)
    let at = box.start + 8
    for (let entry = 0; entry < count && entry < MAX_BOXES && at < box.end; entry++) {
      const item = isLong ? readU32BE(source, at) : readU16BE(source, at)
      at += isLong ? 4 : 2
      const length = readU8(source, at++)
      for (let index = 0; index < length; index++) {
        const value = isWide ? readU16BE(source, at) & 0x7fff : readU8(source, at) & 0x7f
        at += isWide ? 2 : 1
        if (item === id) yield value
      }
    }
  }
}

function find(source: ByteSource, within: { start: number; end: number }, type: string): Box | undefined {
  for (const box of boxesIn(source, within)) if (box.type === type) return box
  return undefined
}

/** The boxes of a part of the file. Each says how long it is. */
function* boxesIn(source: ByteSource, { start, end }: { start: number; end: number }): Generator<Box> {
  for (let at = start, count = 0; at + 8 <= end && count < MAX_BOXES; count++) {
    const length = readU32BE(source, at)
    const type = readText(source, at + 4, 4)
    const head = length === 1 ? 16 : 8
    const size = length === 1 ? readU64BE(source, at + 8) : length === 0 ? end - at : length
    if (size < head) return
    yield { type, start: at + head, end: Math.min(end, at + size) }
    at += size
  }
}
