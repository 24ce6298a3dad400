import { isValidBox } from '../geometry/box.ts'
import { cleanRing } from '../geometry/polygon.ts'
import { findBox } from '../record/find-box.ts'
import type { Annotation, DatasetClassInfo, ImageRecord } from '../record/record.ts'
import type { FindingCollector } from './dataset-findings.ts'
import { findRepeats } from './find-repeats.ts'

/** Half a pixel is rounding by the tool that wrote the numbers. */
const TOLERANCE_PX = 0.5

/** Checks every object of an image. With sides of 0 the size is unknown, and nothing counts as outside. */
export function checkAnnotations(
  { path, annotations }: ImageRecord,
  { width, height }: { width: number; height: number },
  classes: readonly DatasetClassInfo[],
  findings: FindingCollector,
): void {
  const [right, bottom] = width > 0 && height > 0 ? [width, height] : [Infinity, Infinity]
  const isOutside = (x: number, y: number) =>
    x < -TOLERANCE_PX || y < -TOLERANCE_PX || x > right + TOLERANCE_PX || y > bottom + TOLERANCE_PX
  for (const [index, annotation] of annotations.entries()) {
    const where = () => `${path}, object ${index}`
    const { classId, kind, polygons, rle, keypoints, obb } = annotation
    const info = classes[classId]
    if (info === undefined) findings.add('class-unknown', () => `${where()}: class ${classId}`)
    if (kind !== 'class' && kind !== 'other') checkBox(annotation, where, isOutside, findings)
    for (const ring of polygons ?? []) {
      if (cleanRing(ring) === undefined)
        findings.add('polygon-degenerate', () => `${where()}: ${ring.length / 2} points`)
      else if (someOutside(ring, 2, isOutside)) findings.add('polygon-outside', where)
    }
    if (obb !== undefined && someOutside(obb, 2, isOutside)) findings.add('polygon-outside', where)
    if (rle !== undefined && width > 0 && (rle.width !== width || rle.height !== height))
      findings.add('mask-mismatch', () => `${where()}: ${rle.width} × ${rle.height} in ${width} × ${height}`)
    if (keypoints !== undefined) {
      const expected = info?.keypoints?.length
      if (keypoints.length % 3 !== 0 || (expected !== undefined && keypoints.length !== expected * 3))
        findings.add(
          'keypoint-count',
          () => `${where()}: ${keypoints.length / 3}; expected ${expected ?? 'a whole number'}`,
        )
      if (someOutside(keypoints, 3, isOutside)) findings.add('keypoint-outside', where)
    }
  }
  for (const index of findRepeats(annotations)) findings.add('annotation-duplicate', `${path}, object ${index}`)
}

function checkBox(
  annotation: Annotation,
  where: () => string,
  isOutside: (x: number, y: number) => boolean,
  findings: FindingCollector,
): void {
  const box = findBox(annotation)
  if (box === undefined || !isValidBox(box)) {
    findings.add('box-invalid', () => `${where()}: ${JSON.stringify(box)}`)
    return
  }
  const [x, y, width, height] = box
  if (annotation.bbox !== undefined && (isOutside(x, y) || isOutside(x + width, y + height)))
    findings.add('box-outside', () => `${where()}: ${JSON.stringify(box)}`)
}

function someOutside(flat: readonly number[], stride: 2 | 3, isOutside: (x: number, y: number) => boolean): boolean {
  for (let index = 0; index + 1 < flat.length; index += stride) {
    if (stride === 3 && (flat[index + 2] ?? 0) === 0) continue
    if (isOutside(flat[index] ?? 0, flat[index + 1] ?? 0)) return true
  }
  return false
}
