export interface PictureType {
  contentType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'
  width: number
  height: number
}

/** More make a browser use gigabytes for one picture. */
const MAX_PIXELS = 50_000_000

/**
 * What a file is by its first bytes, whatever its name or its sender say. Undefined for anything but a picture that a browser
 * shows without running anything: SVG and HTML are not among them.
 */
export function pictureTypeOf(bytes: Uint8Array): PictureType | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found = png(view) ?? gif(view) ?? webp(view) ?? jpeg(view)
  if (found === undefined || found.width < 1 || found.height < 1) return undefined
  return found.width * found.height <= MAX_PIXELS ? found : undefined
}

const ascii = (view: DataView, at: number, text: string): boolean =>
  at + text.length <= view.byteLength &&
  [...text].every((char, index) => view.getUint8(at + index) === char.charCodeAt(0))

function png(view: DataView): PictureType | undefined {
  if (!ascii(view, 0, '\u0089PNG\r\n\u001a\n') || !ascii(view, 12, 'IHDR') || view.byteLength < 24) return undefined
  return { contentType: 'image/png', width: view.getUint32(16), height: view.getUint32(20) }
}

function gif(view: DataView): PictureType | undefined {
  if ((!ascii(view, 0, 'GIF87a') && !ascii(view, 0, 'GIF89a')) || view.byteLength < 10) return undefined
  return { contentType: 'image/gif', width: view.getUint16(6, true), height: view.getUint16(8, true) }
}

/** https://developers.google.com/speed/webp/docs/riff_container */
function webp(view: DataView): PictureType | undefined {
  if (!ascii(view, 0, 'RIFF') || !ascii(view, 8, 'WEBP') || view.byteLength < 30) return undefined
  const contentType = 'image/webp'
  if (ascii(view, 12, 'VP8X')) {
    const u24 = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 65_536
    return { contentType, width: u24(24) + 1, height: u24(27) + 1 }
  }
  if (ascii(view, 12, 'VP8L')) {
    const bits = view.getUint32(21, true)
    return { contentType, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (!ascii(view, 12, 'VP8 ')) return undefined
  return { contentType, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
}

/** The size is in the first frame header, after segments of any length. */
function jpeg(view: DataView): PictureType | undefined {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return undefined
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
    if (isFrame) return { contentType: 'image/jpeg', height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
    at += 2 + view.getUint16(at + 2)
  }
  return undefined
}
