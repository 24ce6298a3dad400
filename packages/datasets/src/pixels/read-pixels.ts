import { readFile } from 'node:fs/promises'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { decodePng, pngToRgb } from '../images/decode-png.ts'
import { readImageSize } from '../images/image-header.ts'
import { loadSharp } from './load-sharp.ts'
import { isDecodable, openImage, toRgb } from './open-image.ts'

/** A decoded image. */
export interface Pixels {
  width: number
  height: number
  /** RGB, row by row. */
  data: Uint8Array
}

/**
 * Decodes an image as it is shown, after its EXIF rotation. PNG needs no other package; JPEG, WebP, GIF, TIFF and AVIF need
 * `sharp`, and throw `MissingPackageError` without it. Throws `DatasetError` with `name` for a file that cannot be decoded.
 */
export async function readPixels(file: string, name: string): Promise<Pixels> {
  try {
    const { format, orientation } = readImageSize(file, name)
    if (format === 'png' && orientation === undefined) return decode(await readFile(file), name)
    if (!isDecodable(format)) {
      const seen = format === 'unknown' ? 'of an unknown format' : `a ${format.toUpperCase()}`
      throw new DatasetError(`Image "${name}" is ${seen}; expected PNG, JPEG, WebP, GIF, TIFF or AVIF`)
    }
    const sharp = await loadSharp(`Decoding the image "${name}"`)
    return await toRgb(openImage(sharp, await readFile(file), format)).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new DatasetError(`Image "${name}" is damaged: ${why}`, { cause })
    })
  } catch (error) {
    // What the file system says is not a DatasetError yet.
    if (error instanceof Error && 'syscall' in error)
      throw new DatasetError(`Image "${name}" cannot be read: ${error.message}`, { reason: 'unreadable', cause: error })
    throw error
  }
}

function decode(bytes: Uint8Array, name: string): Pixels {
  const png = decodePng(bytes, name)
  return { width: png.width, height: png.height, data: pngToRgb(png) }
}
