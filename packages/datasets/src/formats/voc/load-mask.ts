import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { MaskError } from '../../errors.ts'
import type { ValueImage } from '../../geometry/value-masks.ts'
import { decodePng } from '../../images/decode-png.ts'

/** The numbers of a mask, or its colours as 0xRRGGBB. `palette` has the colours of the numbers. */
export interface VocMask extends ValueImage {
  isColours: boolean
  palette?: Uint8Array | undefined
}

interface Size {
  width: number
  height: number
}

/** Reads a mask: palette or grey with at most 8 bits, or colours as Datumaro and CVAT write them. Throws `MaskError`. */
export async function loadMask(dir: string, path: string, expected: Size | undefined): Promise<VocMask> {
  const bytes = await readFile(join(dir, path))
  // Checked before anything is decompressed.
  const [width, height] = bytes.length < 24 ? [0, 0] : [bytes.readUInt32BE(16), bytes.readUInt32BE(20)]
  const isPng = bytes.length >= 24 && bytes.toString('latin1', 1, 4) === 'PNG'
  if (isPng && expected !== undefined && (width !== expected.width || height !== expected.height))
    throw new MaskError(
      'mask-size-mismatch',
      `${path} is ${width} × ${height}; expected ${expected.width} × ${expected.height}, as its image`,
    )
  try {
    const { channels, depth, samples, palette } = decodePng(bytes, path)
    if (channels === 2 || depth === 16)
      throw new MaskError(
        'label-file-invalid',
        `${path} has ${channels} ${channels === 1 ? 'channel' : 'channels'} of ${depth} bits; expected a palette PNG`,
      )
    if (channels === 1) return { width, height, values: samples, isColours: false, palette }
    const values = new Int32Array(width * height)
    for (let at = 0; at < values.length; at++) {
      const from = at * channels
      values[at] =
        ((samples[from] as number) << 16) | ((samples[from + 1] as number) << 8) | (samples[from + 2] as number)
    }
    return { width, height, values, isColours: true }
  } catch (error) {
    if (error instanceof DatasetError) throw new MaskError('label-file-invalid', error.message)
    throw error
  }
}
