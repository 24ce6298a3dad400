import type { Component, Frame } from './scan.ts'

/** What Adobe's marker says: brightness and two colours, or colours as they are. */
export type ColourTransform = 'ycc' | 'none'

interface Plane {
  width: number
  height: number
  /** 0 to 255. */
  samples: Uint8ClampedArray
}

/** Coefficients to pixels. With `reduce` 8 only the mean of each block is used. */
export function toRgb(
  frame: Frame,
  quantization: readonly Uint16Array[],
  transform: ColourTransform | undefined,
  reduce: 1 | 8,
): { width: number; height: number; data: Uint8Array } {
  const width = Math.ceil(frame.width / reduce)
  const height = Math.ceil(frame.height / reduce)
  const hMax = Math.max(...frame.components.map(({ h }) => h))
  const vMax = Math.max(...frame.components.map(({ v }) => v))
  const planes = frame.components.map((component) => {
    const table = quantization[component.quantization] ?? new Uint16Array(64).fill(1)
    const plane = reduce === 8 ? toMeans(component, table) : toSamples(component, table)
    return { ...plane, scaleX: component.h / hMax, scaleY: component.v / vMax }
  })
  const isRgb = frame.components.map(({ id }) => String.fromCharCode(id)).join('') === 'RGB'
  const isYcc = planes.length >= 3 && (transform === undefined ? planes.length === 3 && !isRgb : transform === 'ycc')
  const data = new Uint8Array(width * height * 3)
  const value = new Float64Array(4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (const [index, plane] of planes.entries()) {
        const at = Math.floor(y * plane.scaleY) * plane.width + Math.floor(x * plane.scaleX)
        value[index] = plane.samples[at] as number
      }
      let [a = 0, b = 0, c = 0] = value
      if (planes.length === 1) b = c = a
      if (isYcc) {
        const [cb, cr] = [b - 128, c - 128]
        c = a + 1.772 * cb
        b = a - 0.344136 * cb - 0.714136 * cr
        a += 1.402 * cr
      }
      if (planes.length === 4) {
        // Adobe writes inks the other way round: 255 is none.
        const black = value[3] as number
        const ink = (part: number) =>
          transform === undefined ? ((255 - part) * (255 - black)) / 255 : (part * black) / 255
        ;[a, b, c] = [ink(clamp(a)), ink(clamp(b)), ink(clamp(c))]
      }
      const at = (y * width + x) * 3
      data[at] = clamp(a)
      data[at + 1] = clamp(b)
      data[at + 2] = clamp(c)
    }
  }
  return { width, height, data }
}

function clamp(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value)
}

function toMeans({ coefficients, stride }: Component, table: Uint16Array): Plane {
  const samples = new Uint8ClampedArray(coefficients.length / 64)
  for (let block = 0; block < samples.length; block++)
    samples[block] = ((coefficients[block * 64] as number) * (table[0] as number)) / 8 + 128
  return { width: stride, height: samples.length / stride, samples }
}

/** `COSINES[frequency * 8 + place]`, with the weight of the frequency. */
const COSINES = Float64Array.from({ length: 64 }, (_, index) => {
  const [frequency, place] = [index >> 3, index & 7]
  return (frequency === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * place + 1) * frequency * Math.PI) / 16)
})

function toSamples({ coefficients, stride }: Component, table: Uint16Array): Plane {
  const blocks = coefficients.length / 64
  const width = stride * 8
  const samples = new Uint8ClampedArray(blocks * 64)
  const rows = new Float64Array(64)
  for (let block = 0; block < blocks; block++) {
    const from = block * 64
    const to = Math.floor(block / stride) * 8 * width + (block % stride) * 8
    // Along the rows of frequencies first, then down the columns.
    for (let v = 0; v < 8; v++) {
      const row = v * 8
      for (let x = 0; x < 8; x++) rows[row + x] = 0
      for (let u = 0; u < 8; u++) {
        const coefficient = coefficients[from + row + u] as number
        if (coefficient === 0) continue
        const value = coefficient * (table[row + u] as number)
        for (let x = 0; x < 8; x++) rows[row + x] = (rows[row + x] as number) + value * (COSINES[u * 8 + x] as number)
      }
    }
    for (let x = 0; x < 8; x++) {
      for (let y = 0; y < 8; y++) {
        let sum = 128
        for (let v = 0; v < 8; v++) sum += (rows[v * 8 + x] as number) * (COSINES[v * 8 + y] as number)
        samples[to + y * width + x] = sum
      }
    }
  }
  return { width, height: (blocks / stride) * 8, samples }
}
