/** Left, top, width and height in pixels. */
export type Box = [x: number, y: number, width: number, height: number]

/**
 * A result of arithmetic with decimal numbers, in pixels, without the error of its last bits: 54.7102, not 54.71019999999999. Numbers
 * that really have more than seven decimals stay.
 */
export function withoutNoise(value: number): number {
  const rounded = Math.round(value * 1e7) / 1e7
  return Math.abs(rounded - value) < 1e-9 ? rounded : value
}

/** Whether a box has finite numbers and an area. */
export function isValidBox(box: readonly number[]): boolean {
  const [x = Number.NaN, y = Number.NaN, width = Number.NaN, height = Number.NaN] = box
  return box.length === 4 && Number.isFinite(x) && Number.isFinite(y) && isSide(width) && isSide(height)
}

function isSide(length: number): boolean {
  return length > 0 && length < Number.POSITIVE_INFINITY
}

/** The part of a box inside an image. Undefined when there is none; the same array when all of it is inside. */
export function clipBox(box: Box, imageWidth: number, imageHeight: number): Box | undefined {
  const [x, y, width, height] = box
  const right = x + width
  const bottom = y + height
  if (x >= 0 && y >= 0 && right <= imageWidth && bottom <= imageHeight) return box
  const left = Math.max(0, x)
  const top = Math.max(0, y)
  const clippedWidth = Math.min(imageWidth, right) - left
  const clippedHeight = Math.min(imageHeight, bottom) - top
  return clippedWidth > 0 && clippedHeight > 0 ? [left, top, clippedWidth, clippedHeight] : undefined
}

/** Intersection over union. */
export function boxOverlap(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0])
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1])
  if (width <= 0 || height <= 0) return 0
  const shared = width * height
  return shared / (a[2] * a[3] + b[2] * b[3] - shared)
}

/** The box between two opposite corners, in any order. */
export function boxOfCorners(x1: number, y1: number, x2: number, y2: number): Box {
  return [Math.min(x1, x2), Math.min(y1, y2), withoutNoise(Math.abs(x2 - x1)), withoutNoise(Math.abs(y2 - y1))]
}

/** The smallest upright box around flat points `x, y, x, y, …`. Undefined without points. */
export function boxOfPoints(points: readonly number[]): Box | undefined {
  return boxOfRings([points])
}

/** The smallest upright box around all rings of an object. */
export function boxOfRings(rings: readonly (readonly number[])[]): Box | undefined {
  let left = Number.POSITIVE_INFINITY
  let top = Number.POSITIVE_INFINITY
  let right = Number.NEGATIVE_INFINITY
  let bottom = Number.NEGATIVE_INFINITY
  for (const ring of rings) {
    for (let index = 0; index + 1 < ring.length; index += 2) {
      const x = ring[index] as number
      const y = ring[index + 1] as number
      if (x < left) left = x
      if (x > right) right = x
      if (y < top) top = y
      if (y > bottom) bottom = y
    }
  }
  if (left > right || top > bottom) return undefined
  return [left, top, withoutNoise(right - left), withoutNoise(bottom - top)]
}

/** The smallest upright box around the labelled keypoints (`v` above 0). */
export function boxOfKeypoints(keypoints: readonly number[]): Box | undefined {
  const points: number[] = []
  for (let index = 0; index + 2 < keypoints.length; index += 3) {
    if ((keypoints[index + 2] as number) > 0) points.push(keypoints[index] as number, keypoints[index + 1] as number)
  }
  return boxOfPoints(points)
}
