import { readFile } from 'node:fs/promises'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { decodePng, pngToRgb } from '../images/decode-png.ts'
import { readImageSize } from '../images/image-header.ts'
import { decodeJpeg } from '../jpeg/decode.ts'
import type { ImageRecord } from '../record/record.ts'
import { decodeBmp } from './decode-bmp.ts'
import { decodeGif } from './decode-gif.ts'
import type { Pixels } from './pixels.ts'

/** The size of an image as it is shown (0 where nobody knows), and its pixels, fewer than that for a large one; or why there are none. */
export type LoadedPixels = { width: number; height: number } & ({ pixels: Pixels } | { missing: string })

/**
 * Reads and decodes an image as it is shown, after its EXIF rotation, for a place of `side` pixels. Never throws for what
 * is wrong with a file.
 */
export async function loadPixels({ file, path, width, height }: ImageRecord, side: number): Promise<LoadedPixels> {
  if (file === undefined) return { missing: 'file is missing', width, height }
  try {
    const size = readImageSize(file, path)
    const shown = size.width > 0 ? { width: size.width, height: size.height } : { width, height }
    const missing = `${size.format.toUpperCase()}: pixels not shown`
    const isKnown = ['png', 'jpeg', 'bmp', 'gif'].includes(size.format)
    if (!isKnown) return { missing, ...shown }
    const reduce = Math.max(size.width, size.height) >= side * 8 ? 8 : 1
    const bytes = await readFile(file)
    const stored =
      size.format === 'png'
        ? toPixels(bytes, path)
        : size.format === 'bmp'
          ? decodeBmp(bytes, path)
          : size.format === 'gif'
            ? decodeGif(bytes, path)
            : decodeJpeg(bytes, path, { reduce })
    if (stored === undefined) return { missing, ...shown }
    return { pixels: turn(stored, size.orientation ?? 1), ...shown }
  } catch (error) {
    if (error instanceof DatasetError) return { missing: 'file is damaged', width, height }
    if (!(error instanceof Error && 'code' in error)) throw error
    return { missing: error.code === 'ENOENT' ? 'file is missing' : 'file cannot be read', width, height }
  }
}

function toPixels(bytes: Uint8Array, path: string): Pixels {
  const png = decodePng(bytes, path)
  return { width: png.width, height: png.height, data: pngToRgb(png) }
}

/** Where the pixel that is shown at x, y is stored, by EXIF orientation. */
const SOURCES: Readonly<Record<number, (x: number, y: number, right: number, bottom: number) => [number, number]>> = {
  2: (x, y, right) => [right - x, y],
  3: (x, y, right, bottom) => [right - x, bottom - y],
  4: (x, y, _right, bottom) => [x, bottom - y],
  5: (x, y) => [y, x],
  6: (x, y, _right, bottom) => [y, bottom - x],
  7: (x, y, right, bottom) => [right - y, bottom - x],
  8: (x, y, right) => [right - y, x],
}

/** Turns stored pixels as EXIF asks for. */
export function turn(stored: Pixels, orientation: number): Pixels {
  const source = SOURCES[orientation]
  if (source === undefined) return stored
  const [width, height] = orientation >= 5 ? [stored.height, stored.width] : [stored.width, stored.height]
  const data = new Uint8Array(stored.data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromX, fromY] = source(x, y, stored.width - 1, stored.height - 1)
      const from = (fromY * stored.width + fromX) * 3
      data.set(stored.data.subarray(from, from + 3), (y * width + x) * 3)
    }
  }
  return { width, height, data }
}

/** To another size: each new pixel is the mean of those it covers, or the nearest one. */
export function resize({ width, height, data }: Pixels, toWidth: number, toHeight: number): Pixels {
  const result = new Uint8Array(toWidth * toHeight * 3)
  for (let y = 0; y < toHeight; y++) {
    const top = Math.floor((y * height) / toHeight)
    const bottom = Math.max(top + 1, Math.floor(((y + 1) * height) / toHeight))
    for (let x = 0; x < toWidth; x++) {
      const left = Math.floor((x * width) / toWidth)
      const right = Math.max(left + 1, Math.floor(((x + 1) * width) / toWidth))
      const count = (right - left) * (bottom - top)
      let [red, green, blue] = [0, 0, 0]
      for (let row = top; row < bottom; row++) {
        for (let at = (row * width + left) * 3; at < (row * width + right) * 3; at += 3) {
          red += data[at] as number
          green += data[at + 1] as number
          blue += data[at + 2] as number
        }
      }
      result.set([red / count, green / count, blue / count], (y * toWidth + x) * 3)
    }
  }
  return { width: toWidth, height: toHeight, data: result }
}
