import { orderCorners, type RotatedBox, rotateCorners } from '../geometry/obb.ts'

/** The sorted corners of a box rotated by `angle` degrees. */
export function cornersOfRotatedBox(box: RotatedBox, about: 'center' | 'top-left' = 'center'): number[] {
  return orderCorners(rotateCorners(box, (box.angle * Math.PI) / 180, about))
}
