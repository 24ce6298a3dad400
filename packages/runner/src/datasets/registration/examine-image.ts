/** What the bytes of an image tell about it, or what is wrong with them. */
export type ImageExamination =
  | { ok: true; type: 'png'; width: number; height: number }
  | { ok: true; type: 'jpeg' | 'webp' | 'bmp' | 'gif' | 'tiff' }
  | { ok: false; detail: string }

const PNG_SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const EXPECTED = 'expected a PNG, JPEG, WebP, BMP, GIF or TIFF'

/**
 * Checks the start and the end of an image without decoding it.
 *
 * @param bytes the whole file, or the start of a large one
 * @param tail the last bytes of the file
 */
export function examineImage(bytes: Buffer, tail: Buffer, sizeBytes: number): ImageExamination {
  if (sizeBytes === 0) return { ok: false, detail: `is empty; ${EXPECTED}` }
  if (bytes.subarray(0, 8).equals(PNG_SIGNATURE)) return examinePng(bytes, tail, sizeBytes)
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return { ok: true, type: 'jpeg' }
  const start = bytes.subarray(0, 12).toString('latin1')
  if (start.startsWith('RIFF') && start.endsWith('WEBP')) return { ok: true, type: 'webp' }
  if (start.startsWith('GIF8')) return { ok: true, type: 'gif' }
  if (start.startsWith('BM')) return { ok: true, type: 'bmp' }
  if (start.startsWith('II*\0') || start.startsWith('MM\0*')) return { ok: true, type: 'tiff' }
  return {
    ok: false,
    detail: `is not an image: it starts with the bytes ${bytes.subarray(0, 8).toString('hex')}; ${EXPECTED}`,
  }
}

function examinePng(bytes: Buffer, tail: Buffer, sizeBytes: number): ImageExamination {
  if (bytes.length < 33 || bytes.subarray(12, 16).toString('latin1') !== 'IHDR')
    return { ok: false, detail: `is a corrupt PNG: its header (IHDR) is missing after ${sizeBytes} bytes` }
  const width = bytes.readUInt32BE(16)
  const height = bytes.readUInt32BE(20)
  if (width === 0 || height === 0)
    return { ok: false, detail: `is a corrupt PNG: its header states ${width} x ${height} pixels` }
  // Some tools write a few bytes after the end, and loaders accept that.
  if (!tail.includes('IEND', 0, 'latin1'))
    return { ok: false, detail: `is a truncated PNG: its end (IEND) is missing after ${sizeBytes} bytes` }
  return { ok: true, type: 'png', width, height }
}
