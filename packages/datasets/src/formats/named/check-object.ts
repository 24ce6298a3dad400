import { isValidBox } from '../../geometry/box.ts'
import type { LossReason } from '../../report/loss-counter.ts'
import type { NamedObject } from './named-image.ts'

/** Why an object cannot be used; undefined for one that can. Each invalid ring alone is removed by {@link withValidRings}. */
export function findMistake({ kind, bbox, obb, polygons, keypoints }: NamedObject): [LossReason, string] | undefined {
  if (bbox !== undefined) {
    if (!bbox.every(Number.isFinite)) return ['annotation-invalid', `the box ${JSON.stringify(bbox)}`]
    if (!isValidBox(bbox)) return ['annotation-too-small', `the box ${JSON.stringify(bbox)}`]
  }
  if (obb !== undefined && (obb.length !== 8 || !obb.every(Number.isFinite)))
    return ['annotation-invalid', `the corners ${JSON.stringify(obb)}`]
  if (keypoints !== undefined && !keypoints.every(Number.isFinite)) return ['annotation-invalid', 'a keypoint']
  if (kind === 'polygon' && (polygons?.length ?? 0) === 0) return ['polygon-degenerate', 'no ring of three points']
  return undefined
}

/** The object without rings of fewer than three points, or of numbers that are none. `lose` is called for each. */
export function withValidRings(object: NamedObject, lose: (reason: LossReason, what: string) => void): NamedObject {
  const { polygons } = object
  if (polygons === undefined) return object
  const valid = polygons.filter((ring) => ring.length >= 6 && ring.length % 2 === 0 && ring.every(Number.isFinite))
  if (valid.length === polygons.length) return object
  for (const ring of polygons) if (!valid.includes(ring)) lose('polygon-degenerate', `a ring of ${ring.length} numbers`)
  return { ...object, polygons: valid.length === 0 ? undefined : valid }
}
