import { textOf } from '@trainyard/contract/format'
import { type Box, boxOfKeypoints, boxOfPoints, boxOfRings, boxOverlap } from '../../geometry/box.ts'
import type { RunLengths } from '../../geometry/rle.ts'
import { parseRle, rleBox } from '../../geometry/rle.ts'
import type { Annotation, DatasetClassInfo } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import type { RawAnnotation } from './parse-annotation.ts'
import { findRotation, rotateBox } from './rotation.ts'

export interface AnnotationContext {
  classes: readonly DatasetClassInfo[]
  /** Class numbers by category id as text. */
  classById: ReadonlyMap<string, number>
  imageWidth: number
  imageHeight: number
  losses: LossCounter
  /** Names the annotation in messages. */
  place: () => string
}

/** A box that overlaps less with its own outline is a mistake in the file. */
const MIN_OVERLAP = 0.5

/** Checks an annotation. Undefined, and counted, when nothing of it can be used. */
export function toAnnotation(raw: RawAnnotation, context: AnnotationContext): Annotation | undefined {
  const { classById, losses, place } = context
  const classId = classById.get(textOf(raw.categoryId))
  if (classId === undefined) {
    losses.add('annotation-of-unknown-class', () => `${place()} has category_id ${JSON.stringify(raw.categoryId)}`)
    return undefined
  }
  const annotation: Annotation = { kind: 'class', classId }
  const isText = typeof raw.id === 'string'
  if (isText || typeof raw.id === 'number') annotation.id = raw.id as string | number
  if (raw.isCrowd === 1 || raw.isCrowd === true) annotation.isCrowd = true
  if (typeof raw.area === 'number' && raw.area >= 0) annotation.area = raw.area
  if (raw.others.length > 0) annotation.attributes = Object.fromEntries(raw.others)

  const bbox = readBox(raw.bbox)
  if (bbox !== undefined) {
    annotation.bbox = bbox
    annotation.kind = 'box'
    rotate(annotation, bbox)
  }
  if (raw.skipped === undefined) addSegmentation(annotation, raw.segmentation, context)
  else losses.add(raw.skipped === 'mask' ? 'mask-dropped' : 'polygon-dropped', place)
  addKeypoints(annotation, raw.keypoints, context)

  const isGiven = raw.bbox !== undefined && raw.bbox !== null && !(Array.isArray(raw.bbox) && raw.bbox.length === 0)
  const hasGeometry = annotation.kind !== 'class'
  if (isGiven && bbox === undefined && !hasGeometry) {
    losses.add('annotation-invalid', () => `${place()} has the bbox ${JSON.stringify(raw.bbox)?.slice(0, 100)}`)
    return undefined
  }
  fixBox(annotation, context)
  return annotation
}

/** CVAT writes the box before its rotation, and the angle as an attribute. */
function rotate(annotation: Annotation, bbox: Box): void {
  const angle = findRotation(annotation.attributes?.attributes)
  if (angle === undefined) return
  annotation.kind = 'obb'
  annotation.obb = rotateBox(bbox, angle)
  annotation.bbox = boxOfPoints(annotation.obb)
  annotation.unrotatedBox = bbox
}

function readBox(numbers: unknown): Box | undefined {
  if (!Array.isArray(numbers) || numbers.length !== 4) return undefined
  const value = numbers.every(Number.isFinite) ? numbers : numbers.map(toNumber)
  const [x, y, width, height] = value as unknown[]
  const isNumber = Number.isFinite(x) && Number.isFinite(y) && Number.isFinite(width) && Number.isFinite(height)
  return isNumber && (width as number) >= 0 && (height as number) >= 0 ? (value as Box) : undefined
}

/** Decides by the JSON type, never by `iscrowd`: there are masks of single objects and polygons of crowds. */
function addSegmentation(annotation: Annotation, segmentation: unknown, context: AnnotationContext): void {
  if (Array.isArray(segmentation)) {
    const rings: number[][] = []
    // Some tools write the one ring of an object without the list around it.
    const isFlat = segmentation.length > 0 && !segmentation.some((item) => typeof item === 'object')
    for (const item of isFlat ? [segmentation] : (segmentation as unknown[])) {
      const ring = Array.isArray(item) && item.some((value) => typeof value === 'string') ? item.map(toNumber) : item
      if (isRing(ring)) rings.push(ring)
      else {
        const text = JSON.stringify(ring)?.slice(0, 60)
        context.losses.add('polygon-degenerate', () => `${context.place()} has the ring ${text}`)
      }
    }
    if (rings.length === 0) return
    annotation.polygons = rings
    annotation.kind = 'polygon'
  } else if (typeof segmentation === 'object' && segmentation !== null) {
    const rle = readRle(segmentation as Record<string, unknown>, context)
    if (rle === undefined) return
    annotation.rle = rle
    annotation.kind = 'mask'
  }
}

/** Some tools write numbers as text. */
function toNumber(value: unknown): unknown {
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : value
}

function isRing(ring: unknown): ring is number[] {
  if (!Array.isArray(ring) || ring.length < 6 || ring.length % 2 !== 0) return false
  for (let index = 0; index < ring.length; index++) if (!Number.isFinite(ring[index])) return false
  return true
}

function readRle(rle: Record<string, unknown>, context: AnnotationContext): RunLengths | undefined {
  const { losses, place, imageWidth, imageHeight } = context
  const { size, counts } = rle
  try {
    if (!Array.isArray(size) || (typeof counts !== 'string' && !Array.isArray(counts))) {
      throw new Error(`a segmentation has the members ${Object.keys(rle).join(', ')}; expected size and counts`)
    }
    const runs = parseRle({ size: size as number[], counts: counts as string | number[] })
    if (imageWidth > 0 && imageHeight > 0 && (runs.width !== imageWidth || runs.height !== imageHeight)) {
      losses.add(
        'mask-size-mismatch',
        () => `${place()}: a mask of ${runs.width} × ${runs.height} on an image of ${imageWidth} × ${imageHeight}`,
      )
      return undefined
    }
    return runs
  } catch (error) {
    losses.add('mask-dropped', () => `${place()}: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}

function addKeypoints(annotation: Annotation, value: unknown, { classes, losses, place }: AnnotationContext): void {
  if (!Array.isArray(value) || value.length === 0) return
  const names = classes[annotation.classId]?.keypoints
  const isWhole = value.length % 3 === 0 && (names === undefined || value.length === names.length * 3)
  if (!isWhole || !value.every(Number.isFinite)) {
    const expected = names === undefined ? 'triplets x, y, v' : `${names.length} triplets x, y, v`
    losses.add('keypoints-dropped', () => `${place()} has ${value.length} keypoint numbers; expected ${expected}`)
    return
  }
  const keypoints = value as number[]
  for (let at = 0; at < keypoints.length; at += 3) {
    // An unlabelled keypoint is at 0, 0; other coordinates are left over from an earlier label.
    if (keypoints[at + 2] === 0) keypoints[at] = keypoints[at + 1] = 0
  }
  annotation.keypoints = keypoints
  if (keypoints.some((point, at) => at % 3 === 2 && point > 0)) annotation.kind = 'keypoints'
}

/** Replaces a missing box, and one that does not match the outline, by the box of the outline. */
function fixBox(annotation: Annotation, { losses, place }: AnnotationContext): void {
  const { bbox, polygons, rle, keypoints } = annotation
  if (polygons === undefined && rle === undefined && (keypoints === undefined || bbox !== undefined)) return
  if (rle !== undefined && bbox !== undefined) return
  const own = polygons ? boxOfRings(polygons) : rle ? rleBox(rle) : boxOfKeypoints(keypoints ?? [])
  if (own === undefined) return
  if (bbox !== undefined && boxOverlap(bbox, own) >= MIN_OVERLAP) return
  // Boxes of slivers and rounded boxes can differ by a pixel or two.
  if (bbox !== undefined && isNear(bbox, own)) return
  annotation.bbox = own
  const seen = bbox === undefined ? 'no bbox' : `the bbox ${JSON.stringify(bbox)}`
  losses.add('box-derived', () => `${place()} has ${seen}; its outline has ${JSON.stringify(own)}`)
}

function isNear(a: Box, b: Box): boolean {
  const ends = (box: Box) => [box[0], box[1], box[0] + box[2], box[1] + box[3]]
  const own = ends(b)
  return ends(a).every((value, index) => Math.abs(value - (own[index] as number)) <= 2)
}
