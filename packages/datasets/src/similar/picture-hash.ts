import { readFile } from 'node:fs/promises'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { inspectImage } from '../images/image-header.ts'
import type { SharpModule } from '../pixels/load-sharp.ts'
import { isDecodable, openImage } from '../pixels/open-image.ts'

const SIDE = 16
/** In grey levels: compression changes flat parts by one or two. */
const MARGIN = 3
/** Grey levels between the darkest and the lightest part. Below it, noise decides the hash. */
const MIN_CONTRAST = 24

/** A picture to compare: its hash, 16 words of 16 bits, and the grey pixels that it is made of, row by row. */
export interface PictureHash {
  words: Uint16Array
  grey: Uint8Array
}

/**
 * The difference hash of a picture (dHash, N. Krawetz 2013) with 16 × 16 bits: whether each part of the picture, shrunk to
 * 17 × 16 grey pixels, is lighter than the one to its left. Other sizes, qualities, formats and EXIF orientations of one
 * picture differ in few bits. With the hash of the mirror image. Undefined for a picture that cannot be decoded, or has too little contrast to compare.
 */
export async function hashPicture(
  sharp: SharpModule,
  file: string,
): Promise<{ own: PictureHash; mirrored: PictureHash } | undefined> {
  try {
    const { format } = inspectImage(file, file)
    if (!isDecodable(format)) return undefined
    const grey = await openImage(sharp, await readFile(file), format)
      .flatten({ background: '#fff' })
      .greyscale()
      .resize(SIDE + 1, SIDE, { fit: 'fill', kernel: 'cubic' })
      .raw({ depth: 'uchar' })
      .toBuffer()
    if (Math.max(...grey) - Math.min(...grey) < MIN_CONTRAST) return undefined
    return { own: toHash(grey), mirrored: toHash(mirror(grey)) }
  } catch (error) {
    // Damaged pictures are reported by the check of their header, or are no pictures for anyone.
    if (error instanceof DatasetError || error instanceof Error) return undefined
    throw error
  }
}

function toHash(grey: Uint8Array): PictureHash {
  const words = new Uint16Array(SIDE)
  for (let row = 0; row < SIDE; row++) {
    const at = row * (SIDE + 1)
    let word = 0
    for (let column = 0; column < SIDE; column++)
      word = (word << 1) | ((grey[at + column + 1] as number) > (grey[at + column] as number) + MARGIN ? 1 : 0)
    words[row] = word
  }
  return { words, grey }
}

function mirror(grey: Uint8Array): Uint8Array {
  return grey.map((_, at) => grey[at - (at % (SIDE + 1)) + SIDE - (at % (SIDE + 1))] as number)
}

/** The mean difference of the grey pixels, in levels of 255. Large flat parts give the same bits in different pictures. */
export function greyDifference({ grey: a }: PictureHash, { grey: b }: PictureHash): number {
  let sum = 0
  for (let at = 0; at < a.length; at++) sum += Math.abs((a[at] as number) - (b[at] as number))
  return sum / a.length
}

/** The number of bits in which two hashes differ. */
export function bitDifference({ words: a }: PictureHash, { words: b }: PictureHash): number {
  let bits = 0
  for (let at = 0; at < SIDE; at++) {
    let differing = (a[at] as number) ^ (b[at] as number)
    for (; differing !== 0; differing &= differing - 1) bits++
  }
  return bits
}
