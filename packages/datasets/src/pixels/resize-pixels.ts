import type { Pixels } from './read-pixels.ts'

/** Resizes pixels: each new pixel is the mean of those that it covers, or the nearest one when the image grows. */
export function resizePixels({ width, height, data }: Pixels, toWidth: number, toHeight: number): Pixels {
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
