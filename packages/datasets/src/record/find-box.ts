import { type Box, boxOfKeypoints, boxOfPoints, boxOfRings } from '../geometry/box.ts'
import { rleBox } from '../geometry/rle.ts'
import type { Annotation } from './record.ts'

/** The upright box of an annotation: its own, otherwise the one around its geometry. */
export function findBox({ bbox, obb, polygons, rle, keypoints }: Annotation): Box | undefined {
  if (bbox !== undefined) return bbox
  if (obb !== undefined) return boxOfPoints(obb)
  if (polygons !== undefined) return boxOfRings(polygons)
  if (rle !== undefined) return rleBox(rle)
  return keypoints === undefined ? undefined : boxOfKeypoints(keypoints)
}
