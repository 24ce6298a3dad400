import { isDeepStrictEqual } from 'node:util'
import { boxOverlap } from '../geometry/box.ts'
import { findBox } from '../record/find-box.ts'
import type { Annotation } from '../record/record.ts'

/** Two objects of one image that are the same object, before and after. `iou` is 1 for objects without a box. */
export interface MatchedObjects {
  before: Annotation
  after: Annotation
  iou: number
}

export interface ObjectMatches {
  matched: MatchedObjects[]
  removed: Annotation[]
  added: Annotation[]
}

/**
 * Finds the objects of one image again. Pairs with the highest overlap of their boxes come first, those of one class before
 * others. Objects without a box, such as the class of an image, are taken for the same.
 *
 * @param minOverlap Intersection over union, from 0 to 1, below which two boxes are two objects.
 * @param isSameClass Whether an object has the same class before and after, also under another name.
 */
export function matchObjects(
  before: readonly Annotation[],
  after: readonly Annotation[],
  { minOverlap, isSameClass }: { minOverlap: number; isSameClass: (before: Annotation, after: Annotation) => boolean },
): ObjectMatches {
  const pairs: { from: number; to: number; iou: number; isSame: boolean }[] = []
  for (const [from, one] of before.entries()) {
    for (const [to, other] of after.entries()) {
      const isSame = isSameClass(one, other)
      const iou = overlapOf(one, other)
      if (iou === undefined || iou >= minOverlap) pairs.push({ from, to, iou: iou ?? 1, isSame })
    }
  }
  pairs.sort((a, b) => Number(b.isSame) - Number(a.isSame) || b.iou - a.iou || a.from - b.from || a.to - b.to)
  const [usedBefore, usedAfter] = [new Set<number>(), new Set<number>()]
  const matched: MatchedObjects[] = []
  for (const { from, to, iou } of pairs) {
    const [one, other] = [before[from], after[to]]
    if (one === undefined || other === undefined || usedBefore.has(from) || usedAfter.has(to)) continue
    usedBefore.add(from)
    usedAfter.add(to)
    matched.push({ before: one, after: other, iou })
  }
  return {
    matched,
    removed: before.filter((_, number) => !usedBefore.has(number)),
    added: after.filter((_, number) => !usedAfter.has(number)),
  }
}

/** Undefined for two objects without a box, 0 when only one has one. */
function overlapOf(a: Annotation, b: Annotation): number | undefined {
  const [one, other] = [findBox(a), findBox(b)]
  if (one === undefined && other === undefined) return undefined
  return one === undefined || other === undefined ? 0 : boxOverlap(one, other)
}

/** Whether two objects have the same geometry, but for rounding in the sixth digit. */
export function hasSameGeometry(a: Annotation, b: Annotation): boolean {
  return isDeepStrictEqual(geometryOf(a), geometryOf(b))
}

function geometryOf({ bbox, polygons, rle, keypoints, obb }: Annotation): unknown {
  const round = (numbers: readonly number[] | undefined) => numbers?.map((value) => Number(value.toPrecision(6)))
  return [round(bbox), polygons?.map(round), rle, round(keypoints), round(obb)]
}
