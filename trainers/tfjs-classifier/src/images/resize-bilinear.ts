import type { Picture } from './decode-image.ts'

/** Source pixels and weights that make up one target pixel of a line. */
interface Tap {
  start: number
  weights: Float64Array
}

/** Bilinear, rows then columns; when shrinking, the triangle grows with the factor, so that nothing is skipped. */
export function resizeBilinear(picture: Picture, width: number, height: number): Uint8Array {
  const { channels } = picture
  const columns = computeTaps(picture.width, width)
  const rows = computeTaps(picture.height, height)
  const wide = new Float64Array(width * picture.height * channels)
  for (let y = 0; y < picture.height; y++) {
    for (const [x, { start, weights }] of columns.entries()) {
      for (let c = 0; c < channels; c++) {
        let sum = 0
        for (let i = 0; i < weights.length; i++) {
          sum += (weights[i] ?? 0) * (picture.data[(y * picture.width + start + i) * channels + c] ?? 0)
        }
        wide[(y * width + x) * channels + c] = sum
      }
    }
  }
  const out = new Uint8Array(width * height * channels)
  const line = width * channels
  for (const [y, { start, weights }] of rows.entries()) {
    for (let i = 0; i < line; i++) {
      let sum = 0
      for (let k = 0; k < weights.length; k++) sum += (weights[k] ?? 0) * (wide[(start + k) * line + i] ?? 0)
      out[y * line + i] = Math.round(sum)
    }
  }
  return out
}

function computeTaps(from: number, to: number): Tap[] {
  const factor = from / to
  const reach = Math.max(1, factor)
  return Array.from({ length: to }, (_, index) => {
    // Pixels are squares, not points: their centres lie at one half.
    const centre = (index + 0.5) * factor
    const start = Math.max(0, Math.floor(centre - reach))
    const end = Math.min(from, Math.ceil(centre + reach))
    const weights = new Float64Array(end - start)
    let total = 0
    for (let i = 0; i < weights.length; i++) {
      const weight = Math.max(0, 1 - Math.abs(start + i + 0.5 - centre) / reach)
      weights[i] = weight
      total += weight
    }
    return { start, weights: weights.map((weight) => weight / total) }
  })
}
