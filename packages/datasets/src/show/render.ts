import type { SharpModule } from '../pixels/load-sharp.ts'
import { toRgb } from '../pixels/open-image.ts'
import type { Pixels } from '../pixels/read-pixels.ts'
import { drawing } from './svg.ts'

export const BACKGROUND = '#fafafa'

/** A part of the sheet: pictures at their places, and SVG elements below them. */
export async function render(
  sharp: SharpModule,
  { width, height }: { width: number; height: number },
  elements: readonly string[],
  pictures: readonly { pixels: Pixels; x: number; y: number }[] = [],
): Promise<Pixels> {
  const base = sharp({ create: { width, height, channels: 3, background: BACKGROUND } })
  return toRgb(
    base.composite([
      { input: drawing(width, height, elements) },
      ...pictures.map(({ pixels, x, y }) => ({
        input: Buffer.from(pixels.data.buffer, pixels.data.byteOffset, pixels.data.byteLength),
        raw: { width: pixels.width, height: pixels.height, channels: 3 as const },
        left: x,
        top: y,
      })),
    ]),
  )
}

/** Copies pixels into larger ones, with their upper left corner at x, y. */
export function place({ width, height, data }: Pixels, target: Pixels, x: number, y: number): void {
  for (let row = 0; row < height; row++)
    target.data.set(data.subarray(row * width * 3, (row + 1) * width * 3), ((y + row) * target.width + x) * 3)
}
