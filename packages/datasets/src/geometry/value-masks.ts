import type { RunLengths } from './rle.ts'

/** An image with one number a pixel, row by row. */
export interface ValueImage {
  width: number
  height: number
  values: ArrayLike<number>
}

/** The masks of all numbers in an image except one, in a single pass. */
export function masksOfValues({ width, height, values }: ValueImage, except: number): Map<number, RunLengths> {
  const open = new Map<number, { counts: number[]; end: number }>()
  let previous = except
  let start = 0
  const close = (position: number) => {
    const run = open.get(previous)
    if (run === undefined) return
    run.counts.push(position - start)
    run.end = position
  }
  for (let x = 0, position = 0; x < width; x++) {
    for (let at = x; at < width * height; at += width, position++) {
      const value = values[at] as number
      if (value === previous) continue
      close(position)
      if (value !== except) {
        const run = open.get(value)
        if (run === undefined) open.set(value, { counts: [position], end: position })
        else run.counts.push(position - run.end)
      }
      previous = value
      start = position
    }
  }
  close(width * height)
  const masks = new Map<number, RunLengths>()
  for (const [value, { counts, end }] of open) {
    if (end < width * height) counts.push(width * height - end)
    masks.set(value, { width, height, counts })
  }
  return masks
}

/** Paints a mask into an image of numbers. */
export function paintMask({ counts, width, height }: RunLengths, target: Int32Array, value: number): void {
  let position = 0
  for (const [index, run] of counts.entries()) {
    if (index % 2 === 1) {
      for (let at = position; at < position + run; at++) target[(at % height) * width + Math.floor(at / height)] = value
    }
    position += run
  }
}
