import type { DiceAnnotation } from '@trainyard/contract'
import { boxOfRings } from '../../geometry/box.ts'
import { parseRle, rleBox } from '../../geometry/rle.ts'
import type { Annotation } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'

interface Context {
  classId: number
  /** Names the annotation in messages. */
  place: string
  losses: LossCounter
  /** Called for a box that cannot be used; when absent, it is left out and counted. */
  onInvalidBox?: ((detail: string, bbox: unknown) => void) | undefined
}

/** Shapes that only DICE has. They are kept as attributes. */
const OWN_SHAPES = ['polyline', 'circle', 'geometry'] as const

/** Converts an annotation of any kind; undefined when no part of it can be used, which is counted as a loss. */
export function toAnnotation(source: DiceAnnotation, context: Context): Annotation | undefined {
  const { id, image_id, class_id, class_name, bbox, is_background, ...rest } = source
  const { bbox_format, area, iscrowd, segmentation, keypoints, num_keypoints, ...others } = rest
  const { classId, place, losses } = context
  const annotation: Annotation = { kind: 'class', classId }
  if (id !== undefined) annotation.id = id
  if (iscrowd === 1 || iscrowd === true) annotation.isCrowd = true
  if (typeof area === 'number') annotation.area = area

  if (others.type === 'obb') {
    const points = (others.geometry as { points?: unknown } | undefined)?.points
    if (isNumbers(points) && points.length === 8) {
      annotation.obb = points
      annotation.kind = 'obb'
      delete others.type
      delete others.geometry
    }
  }
  const attributes = Object.fromEntries(
    Object.entries(others).filter(
      ([key, value]) => value !== undefined && !(key === 'attributes' && isEmpty(value)) && !isNullShape(key, value),
    ),
  )
  if (Object.keys(attributes).length > 0) annotation.attributes = attributes

  if (bbox !== undefined && bbox.length > 0) {
    const box = toBox(bbox, bbox_format)
    if (box === undefined) {
      const text = `${JSON.stringify(bbox).slice(0, 100)}${bbox_format === undefined ? '' : ` (${bbox_format})`}`
      if (context.onInvalidBox === undefined) losses.add('annotation-invalid', `${place} has the bbox ${text}`)
      else context.onInvalidBox('must be four numbers (x, y, width, height), the width and height 0 or more', bbox)
      if (!Array.isArray(segmentation)) return undefined
    } else {
      annotation.bbox = box
      if (annotation.kind === 'class') annotation.kind = 'box'
    }
  }
  addSegmentation(annotation, segmentation, context)
  if (Array.isArray(keypoints) && keypoints.length > 0) {
    if (isNumbers(keypoints) && keypoints.length % 3 === 0) {
      annotation.keypoints = keypoints
      annotation.kind = 'keypoints'
    } else losses.add('keypoints-dropped', `${place} has ${keypoints.length} keypoint numbers, not a multiple of 3`)
  }
  if (annotation.kind === 'class' && OWN_SHAPES.some((shape) => attributes[shape] !== undefined)) {
    annotation.kind = 'other'
  }
  if (annotation.bbox === undefined) {
    const box = annotation.polygons
      ? boxOfRings(annotation.polygons)
      : annotation.rle
        ? rleBox(annotation.rle)
        : undefined
    if (box !== undefined) {
      annotation.bbox = box
      losses.add('box-derived', `${place} has no bbox`)
    }
  }
  return annotation
}

function toBox(bbox: readonly number[], format: unknown): Annotation['bbox'] {
  const [a, b, c, d] = bbox
  if (bbox.length !== 4 || a === undefined || b === undefined || c === undefined || d === undefined) return undefined
  if (format !== undefined && format !== null && format !== 'xywh' && format !== 'xyxy') return undefined
  const [width, height] = format === 'xyxy' ? [c - a, d - b] : [c, d]
  return Number.isFinite(a) && Number.isFinite(b) && width >= 0 && height >= 0 ? [a, b, width, height] : undefined
}

function addSegmentation(annotation: Annotation, segmentation: unknown, { place, losses }: Context): void {
  if (Array.isArray(segmentation)) {
    // A single ring can be written without the list around it.
    const list: unknown[] = typeof segmentation[0] === 'number' ? [segmentation] : segmentation
    const rings = list.filter((ring): ring is number[] => isNumbers(ring) && ring.length >= 6 && ring.length % 2 === 0)
    if (rings.length < list.length) {
      losses.add('polygon-degenerate', `${place} has rings of fewer than 3 points`, list.length - rings.length)
    }
    if (rings.length === 0) return
    annotation.polygons = rings
    annotation.kind = 'polygon'
  } else if (typeof segmentation === 'object' && segmentation !== null) {
    try {
      annotation.rle = parseRle(segmentation as Parameters<typeof parseRle>[0])
      annotation.kind = 'mask'
    } catch (error) {
      losses.add('mask-dropped', `${place}: ${error instanceof Error ? error.message : error}`)
    }
  }
}

const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every(Number.isFinite)

const isEmpty = (value: unknown): boolean =>
  value === null || (typeof value === 'object' && Object.keys(value).length === 0)

const isNullShape = (key: string, value: unknown): boolean =>
  value === null && (OWN_SHAPES as readonly string[]).includes(key)
