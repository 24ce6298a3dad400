import { z } from 'zod'
import type { ImageSet } from './load-images.ts'

/** How bytes become what a network sees: `(value / 255 - mean) / std`, by channel. */
export const Normalization = z.object({ mean: z.array(z.number()), std: z.array(z.number().positive()) })
export type Normalization = z.infer<typeof Normalization>

/** Below this, a channel is almost constant, and dividing by its deviation would only amplify noise. */
const SMALLEST_STD = 1e-3

/** Mean and deviation of every channel. */
export function measureNormalization({ pixels, shape: { channels } }: ImageSet): Normalization {
  const mean: number[] = []
  const std: number[] = []
  for (let channel = 0; channel < channels; channel++) {
    let sum = 0
    let squares = 0
    for (let i = channel; i < pixels.length; i += channels) {
      const value = pixels[i] ?? 0
      sum += value
      squares += value * value
    }
    const count = Math.max(1, pixels.length / channels)
    const average = sum / count
    mean.push(average / 255)
    std.push(Math.max(SMALLEST_STD, Math.sqrt(Math.max(0, squares / count - average * average)) / 255))
  }
  return { mean, std }
}

/** Writes the picture at `index` as normalised numbers. */
export function normalizeImage(
  set: Pick<ImageSet, 'pixels' | 'shape'>,
  index: number,
  normalization: Normalization,
  target: Float32Array,
  targetOffset: number,
): void {
  const { imageSize, channels } = set.shape
  const stride = imageSize ** 2 * channels
  for (let channel = 0; channel < channels; channel++) {
    const scale = 1 / (255 * (normalization.std[channel] ?? 1))
    const shift = -(normalization.mean[channel] ?? 0) / (normalization.std[channel] ?? 1)
    for (let i = channel; i < stride; i += channels) {
      target[targetOffset + i] = (set.pixels[index * stride + i] ?? 0) * scale + shift
    }
  }
}
