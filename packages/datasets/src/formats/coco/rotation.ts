import type { Box } from '../../geometry/box.ts'
import { rotateCorners } from '../../geometry/obb.ts'

/**
 * The angle in an annotation's `attributes`, in degrees, clockwise, about the centre of the box: CVAT writes rotated boxes
 * into COCO like that. Undefined when the box is upright.
 */
export function findRotation(attributes: unknown): number | undefined {
  if (typeof attributes !== 'object' || attributes === null || !('rotation' in attributes)) return undefined
  const angle = Number(attributes.rotation)
  return Number.isFinite(angle) && angle % 360 !== 0 ? angle : undefined
}

/** The corners of a box after a rotation about its centre, clockwise: 8 numbers. Right angles give exact numbers. */
export function rotateBox([x, y, width, height]: Box, degrees: number): number[] {
  const corners = rotateCorners({ x: x + width / 2, y: y + height / 2, width, height }, (degrees / 180) * Math.PI)
  return corners.map((value) => Math.round(value * 1e9) / 1e9)
}
