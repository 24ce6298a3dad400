import type { ImageSet } from '../data/load-images.ts'
import { createRandom } from '../random.ts'

export const BAR_CLASSES = ['horizontal', 'vertical', 'diagonal']

/** Noisy pictures of a bar that lies, stands or leans: three classes that even a small network tells apart. */
export function drawBars(count: number, size: number, seed: number): ImageSet {
  const random = createRandom(seed, 'bars')
  const pixels = new Uint8Array(count * size * size)
  const labels = new Int32Array(count)
  for (let image = 0; image < count; image++) {
    const label = image % BAR_CLASSES.length
    const at = Math.floor(random.next() * size)
    labels[image] = label
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const distance = [y - at, x - at, Math.abs(x - y) - (at % 3)][label] ?? 0
        pixels[(image * size + y) * size + x] = (Math.abs(distance) <= 1 ? 180 : 0) + random.next() * 60
      }
    }
  }
  return { shape: { imageSize: size, channels: 1 }, count, pixels, labels }
}
