import type { Random } from '../random.ts'
import type { InputShape } from './fit-image.ts'

/** How far pictures are bent while training. */
export interface Augmentation {
  /** Largest turn, in degrees. */
  degrees: number
  /** Largest shift, as a share of the side. */
  translate: number
  /** Largest growth or shrinking, as a share. */
  scale: number
  /** Chance of a mirrored picture. */
  fliplr: number
}

/**
 * Copies a picture from `source` to `target`, turned, shifted, scaled and mirrored at random; what comes in from outside
 * repeats the edge. Both are arrays of pictures; the offsets say where this one starts.
 */
export function augmentImage(
  source: Float32Array,
  sourceOffset: number,
  target: Float32Array,
  targetOffset: number,
  { imageSize: size, channels }: InputShape,
  augmentation: Augmentation,
  random: Random,
): void {
  const angle = (random.symmetric() * augmentation.degrees * Math.PI) / 180
  const zoom = 1 / (1 + random.symmetric() * augmentation.scale)
  const shiftX = random.symmetric() * augmentation.translate * size
  const shiftY = random.symmetric() * augmentation.translate * size
  const mirror = random.next() < augmentation.fliplr ? -1 : 1
  const cos = Math.cos(angle) * zoom
  const sin = Math.sin(angle) * zoom
  const centre = (size - 1) / 2
  const last = size - 1
  for (let y = 0; y < size; y++) {
    const dy = y - centre - shiftY
    for (let x = 0; x < size; x++) {
      const dx = (x - centre - shiftX) * mirror
      const fromX = clamp(cos * dx - sin * dy + centre, last)
      const fromY = clamp(sin * dx + cos * dy + centre, last)
      const x0 = Math.min(Math.floor(fromX), Math.max(0, last - 1))
      const y0 = Math.min(Math.floor(fromY), Math.max(0, last - 1))
      const right = fromX - x0
      const down = fromY - y0
      const corner = sourceOffset + (y0 * size + x0) * channels
      const below = corner + (last > 0 ? size * channels : 0)
      const beside = last > 0 ? channels : 0
      for (let c = 0; c < channels; c++) {
        const top = (source[corner + c] ?? 0) * (1 - right) + (source[corner + beside + c] ?? 0) * right
        const bottom = (source[below + c] ?? 0) * (1 - right) + (source[below + beside + c] ?? 0) * right
        target[targetOffset + (y * size + x) * channels + c] = top * (1 - down) + bottom * down
      }
    }
  }
}

function clamp(value: number, last: number): number {
  return Math.max(0, Math.min(value, last))
}
