import type { Annotation } from '../record/record.ts'

/**
 * The positions of objects that repeat an earlier one of their image: the same class and the same geometry. Objects are
 * told apart by their class and first numbers; all numbers are compared only where those are equal.
 */
export function findRepeats(annotations: readonly Annotation[]): number[] {
  if (annotations.length < 2) return []
  const firsts = new Map<number, Annotation[]>()
  const repeats: number[] = []
  for (const [index, annotation] of annotations.entries()) {
    if (annotation.kind === 'other') continue
    const key = keyOf(annotation)
    const alike = firsts.get(key)
    if (alike === undefined) firsts.set(key, [annotation])
    else if (alike.some((other) => isSame(other, annotation))) repeats.push(index)
    else alike.push(annotation)
  }
  return repeats
}

/** Equal for equal objects, and nearly always different for others. */
function keyOf({ classId, bbox, polygons, rle, keypoints, obb }: Annotation): number {
  let key = classId
  for (const numbers of [bbox, polygons?.[0], rle?.counts, keypoints, obb]) {
    if (numbers === undefined) continue
    const last = Math.min(numbers.length, 8)
    for (let index = 0; index < last; index++) key = key * 31 + (numbers[index] ?? 0)
    key = key * 31 + numbers.length
  }
  return key
}

function isSame(a: Annotation, b: Annotation): boolean {
  return (
    a.classId === b.classId &&
    isEqual(a.bbox, b.bbox) &&
    isEqual(a.rle?.counts, b.rle?.counts) &&
    isEqual(a.keypoints, b.keypoints) &&
    isEqual(a.obb, b.obb) &&
    a.polygons?.length === b.polygons?.length &&
    (a.polygons ?? []).every((ring, index) => isEqual(ring, b.polygons?.[index]))
  )
}

function isEqual(a: ArrayLike<number> | undefined, b: ArrayLike<number> | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (!Object.is(a[index], b[index])) return false
  return true
}
