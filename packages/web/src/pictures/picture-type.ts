import { MAX_PICTURE_PIXELS } from '@trainyard/contract'
import { type PictureContentType, pictureSignature } from '@trainyard/platform'

interface PictureSize {
  width: number
  height: number
}

export interface PictureType extends PictureSize {
  contentType: PictureContentType
}

/**
 * What a file is by its first bytes, whatever its name or its sender say. Undefined for anything but a picture that a browser
 * shows without running anything: SVG and HTML are not among them.
 */
export function pictureTypeOf(bytes: Uint8Array): PictureType | undefined {
  const contentType = pictureSignature(bytes)
  if (contentType === undefined) return undefined
  const size = SIZES[contentType](new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  if (size === undefined || size.width < 1 || size.height < 1) return undefined
  return size.width * size.height <= MAX_PICTURE_PIXELS ? { contentType, ...size } : undefined
}

const SIZES: Record<PictureContentType, (view: DataView) => PictureSize | undefined> = {
  'image/png': png,
  'image/jpeg': jpeg,
  'image/gif': gif,
  'image/webp': webp,
}

const ascii = (view: DataView, at: number, text: string): boolean =>
  at + text.length <= view.byteLength &&
  [...text].every((char, index) => view.getUint8(at + index) === char.charCodeAt(0))

function png(view: DataView): PictureSize | undefined {
  if (!ascii(view, 12, 'IHDR') || view.byteLength < 24) return undefined
  return { width: view.getUint32(16), height: view.getUint32(20) }
}

function gif(view: DataView): PictureSize | undefined {
  if (view.byteLength < 10) return undefined
  return { width: view.getUint16(6, true), height: view.getUint16(8, true) }
}

/** https://developers.google.com/speed/webp/docs/riff_container */
function webp(view: DataView): PictureSize | undefined {
  if (view.byteLength < 30) return undefined
  if (ascii(view, 12, 'VP8X')) {
    const u24 = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 65_536
    return { width: u24(24) + 1, height: u24(27) + 1 }
  }
  if (ascii(view, 12, 'VP8L')) {
    const bits = view.getUint32(21, true)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (!ascii(view, 12, 'VP8 ')) return undefined
  return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
}

/** The size is in the first frame header, after segments of any length. */
function jpeg(view: DataView): PictureSize | undefined {
  let at = 2
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    // Fill bytes before a marker.
    if (marker === 0xff) {
      at += 1
      continue
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
    at += 2 + view.getUint16(at + 2)
  }
  return undefined
}
