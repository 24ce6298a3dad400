import type { Sharp } from 'sharp'
import type { ImageFormat } from '../images/image-header.ts'
import type { SharpModule } from './load-sharp.ts'

/** A file of a few bytes can claim gigabytes of pixels. */
const MAX_PIXELS = 100_000_000

const DECODABLE: readonly ImageFormat[] = ['png', 'jpeg', 'webp', 'gif', 'tiff', 'avif']

/** Whether sharp's own build decodes the format. It reads no BMP, and no HEIC because of its patents. */
export function isDecodable(format: ImageFormat): boolean {
  return DECODABLE.includes(format)
}

/** The first frame of an image with its EXIF rotation applied. Colour profiles are ignored, as by the usual loaders. */
export function openImage(sharp: SharpModule, bytes: Uint8Array, format: ImageFormat): Sharp {
  return sharp(bytes, {
    limitInputPixels: MAX_PIXELS,
    ignoreIcc: true,
    // Loaders accept a JPEG that is cut off and fill up the rest; other formats are refused.
    failOn: format === 'jpeg' ? 'none' : 'truncated',
  }).rotate()
}

/** The pixels as 8-bit RGB, row by row, on white where they are transparent. */
export async function toRgb(image: Sharp): Promise<{ width: number; height: number; data: Uint8Array }> {
  const { data, info } = await image
    .flatten({ background: '#fff' })
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, data }
}
