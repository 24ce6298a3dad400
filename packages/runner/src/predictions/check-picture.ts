import { MAX_PICTURE_PIXELS } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { type ImageDetails, type ImageFormat, inspectImageBytes } from '@trainyard/datasets'
import { invalidRequest, TrainyardError } from '@trainyard/platform'

export const MAX_PICTURE_BYTES = 20 * 1024 ** 2

const TYPES: Partial<Record<ImageFormat, { contentType: string; suffix: string }>> = {
  png: { contentType: 'image/png', suffix: 'png' },
  jpeg: { contentType: 'image/jpeg', suffix: 'jpg' },
  webp: { contentType: 'image/webp', suffix: 'webp' },
}

export interface CheckedPicture {
  width: number
  height: number
  contentType: string
  suffix: string
}

/**
 * What the header of a picture tells about it. Nothing is decoded.
 *
 * @throws TrainyardError `unprocessable` which says what is wrong with the picture
 */
export function checkPicture(bytes: Buffer, name: string): CheckedPicture {
  if (bytes.length === 0)
    throw invalidRequest([{ path: 'body', detail: 'must be the bytes of a picture: PNG, JPEG or WebP' }])
  const found = inspect(bytes, name)
  const type = TYPES[found.format]
  if (type === undefined) throw refuse(`"${name}" is not a PNG, JPEG or WebP: ${describe(found.format, bytes)}`)
  const { width, height, isTruncated } = found
  if (isTruncated) throw refuse(`"${name}" is incomplete: its end is missing after ${formatBytes(bytes.length)}`)
  if (width * height > MAX_PICTURE_PIXELS)
    throw refuse(
      `"${name}" has ${width} × ${height} pixels; the limit is ${MAX_PICTURE_PIXELS / 1e6} million. Make it smaller and send it again`,
    )
  return { width, height, ...type }
}

function inspect(bytes: Buffer, name: string): ImageDetails {
  try {
    return inspectImageBytes(bytes, name)
  } catch (error) {
    if (error instanceof DatasetError) throw refuse(error.message)
    throw error
  }
}

function describe(format: ImageFormat, bytes: Buffer): string {
  if (format !== 'unknown') return `it is ${format.toUpperCase()}`
  if (/^\s*(?:<\?xml|<!--|<svg|<!doctype svg)/i.test(bytes.subarray(0, 256).toString('latin1'))) return 'it is an SVG'
  return `it starts with the bytes ${bytes.subarray(0, 8).toString('hex')}`
}

function refuse(detail: string): TrainyardError {
  return new TrainyardError('unprocessable', detail, { issues: [{ path: 'body', detail }] })
}
