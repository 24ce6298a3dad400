import { boxOfCorners, boxOfRings } from '../../geometry/box.ts'
import { mergeRles, rasterizeRings, rleBox } from '../../geometry/rle.ts'
import { decodePng, type PngImage } from '../../images/decode-png.ts'
import type { Annotation } from '../../record/record.ts'
import type { LossCounter, LossReason } from '../../report/loss-counter.ts'
import { toNumber } from '../named/loose.ts'
import { ellipseRing, runsOfBox } from '../named/outlines.ts'
import type { KeypointNames, LabelMeShape } from './schema.ts'

interface ShapeContext {
  /** Path of the JSON file, for messages. */
  path: string
  width: number
  height: number
  classIds: ReadonlyMap<string, number>
  /** For pose: the keypoints of each class. */
  keypoints: KeypointNames | undefined
  losses: LossCounter
}

/** The objects of one image. A shape that cannot be used is counted and left out: many real files have such shapes. */
export function toAnnotations(shapes: readonly LabelMeShape[], context: ShapeContext): Annotation[] {
  const annotations: Annotation[] = []
  const groups = new Map<string, Annotation>()
  for (const [index, shape] of shapes.entries()) {
    const lose: Lose = (reason, what) => {
      context.losses.add(reason, `shapes[${index}] in ${context.path}: ${what}`)
      return undefined
    }
    if (context.keypoints !== undefined && shape.shape_type === 'point' && isKeypoint(shape, shapes)) continue
    const classId = context.classIds.get(shape.label)
    if (classId === undefined) {
      lose('annotation-of-unknown-class', `${JSON.stringify(shape.label)} is not in the class list`)
      continue
    }
    const geometry = toGeometry(shape, context, lose)
    if (geometry === undefined) continue
    const annotation: Annotation = { classId, ...geometry }
    const attributes = { ...shapeAttributes(shape, shapes), ...geometry.attributes }
    if (Object.keys(attributes).length > 0) annotation.attributes = attributes
    const group = shape.group_id ?? undefined
    if (context.keypoints !== undefined && group !== undefined) addKeypoints(annotation, shape, shapes, context)
    if (group !== undefined && isPartOfOutline(shape, shapes)) {
      annotation.group = group
      const key = JSON.stringify([classId, group])
      const first = groups.get(key)
      if (first !== undefined) {
        mergeOutlines(first, annotation, context, lose)
        continue
      }
      groups.set(key, annotation)
    }
    annotations.push(annotation)
  }
  return annotations
}

type Geometry = Omit<Annotation, 'classId'>
type Lose = (reason: LossReason, what: string) => undefined

function toGeometry(shape: LabelMeShape, context: ShapeContext, lose: Lose): Geometry | undefined {
  const points: number[] = []
  for (const point of shape.points) {
    const [x = Number.NaN, y = Number.NaN] = point.map(toNumber)
    if (!Number.isFinite(x + y)) return lose('annotation-invalid', `a point is ${JSON.stringify(point.slice(0, 2))}`)
    points.push(x, y)
  }
  const count = points.length / 2
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = points
  const wrongCount = (expected: string) =>
    lose('annotation-invalid', `${shape.shape_type} has ${count} points; expected ${expected}`)
  switch (shape.shape_type) {
    case 'polygon': {
      if (count < 3) return lose('polygon-degenerate', `a polygon of ${count} points`)
      const bbox = boxOfRings([points])
      return bbox === undefined ? undefined : { kind: 'polygon', polygons: [points], bbox }
    }
    case 'rectangle': {
      // Some tools write all four corners.
      if (count !== 2 && count !== 4) return wrongCount('2')
      const bbox = count === 2 ? boxOfCorners(x1, y1, x2, y2) : boxOfRings([points])
      if (bbox === undefined || bbox[2] <= 0 || bbox[3] <= 0)
        return lose('annotation-too-small', 'a rectangle without area')
      return { kind: 'box', bbox }
    }
    case 'rotation':
    case 'oriented_rectangle':
      return count === 4 ? { kind: 'obb', obb: points } : wrongCount('4')
    case 'circle': {
      if (count !== 2) return wrongCount('2')
      const radius = Math.hypot(x2 - x1, y2 - y1)
      if (radius === 0) return lose('annotation-too-small', 'a circle without area')
      lose('polygon-from-circle', `radius ${radius}`)
      return {
        kind: 'polygon',
        polygons: [ellipseRing(x1, y1, radius, radius)],
        bbox: [x1 - radius, y1 - radius, radius * 2, radius * 2],
        attributes: { circle: { center: [x1, y1], radius } },
      }
    }
    case 'mask':
      return readMask(shape, points, context, lose)
    case 'point':
    case 'line':
    case 'linestrip':
    case 'points':
      if (count === 0) return wrongCount('at least 1')
      return { kind: 'other', attributes: { shape: { type: shape.shape_type, points } } }
    default:
      return lose('annotation-kind-not-supported', `shape_type ${JSON.stringify(shape.shape_type)}`)
  }
}

/** A PNG of the box between the two points, both included. Every value but 0 is part of the mask. */
function readMask(
  shape: LabelMeShape,
  points: number[],
  { width, height, path }: ShapeContext,
  lose: Lose,
): Geometry | undefined {
  const [x = 0, y = 0] = points.map(Math.round)
  if (points.length !== 4 || !shape.mask) return lose('annotation-invalid', 'a mask without a box or pixels')
  if (width <= 0 || height <= 0) return lose('mask-size-mismatch', 'the file has no image size')
  let png: PngImage
  try {
    png = decodePng(Buffer.from(shape.mask, 'base64'), `mask in ${path}`)
  } catch (error) {
    return lose('annotation-invalid', error instanceof Error ? error.message : String(error))
  }
  const box = { left: x, top: y, width: png.width, height: png.height }
  const rle = runsOfBox(box, { width, height }, (at) => png.samples[at * png.channels] !== 0)
  if (rle === undefined)
    return lose('mask-size-mismatch', `${png.width} × ${png.height} at ${x}, ${y} in ${width} × ${height}`)
  if (rle.counts.length < 2) return lose('annotation-too-small', 'a mask without a pixel')
  return { kind: 'mask', rle, bbox: [x, y, png.width, png.height] }
}

/** A group that only joins the parts or the keypoints of one object is not an attribute: the record joins them. */
function shapeAttributes(shape: LabelMeShape, shapes: readonly LabelMeShape[]): Record<string, unknown> {
  const { group_id: group, flags, description } = shape
  const hasGroup = group !== undefined && group !== null
  const isPart = isPartOfOutline(shape, shapes)
  const others = hasGroup ? shapes.filter((other) => other !== shape && other.group_id === group) : []
  const isJoined = others.every(({ shape_type: type, label }) => type === 'point' || (isPart && label === shape.label))
  const attributes: Record<string, unknown> = {}
  if (hasGroup && (others.length === 0 || !isJoined)) attributes.group_id = group
  if (flags && Object.keys(flags).length > 0) attributes.flags = flags
  if (description) attributes.description = description
  return attributes
}

const OUTLINES = new Set(['polygon', 'mask', 'circle'])

/**
 * Whether a shape is a part of one object: shapes of one label in one group are, as in LabelMe's own converters, when at
 * least one of them is an outline. Several rectangles stay several objects: a box has no parts.
 */
function isPartOfOutline(
  { label, group_id: group, shape_type: type }: LabelMeShape,
  shapes: readonly LabelMeShape[],
): boolean {
  if (group === undefined || group === null || (!OUTLINES.has(type) && type !== 'rectangle')) return false
  const parts = shapes.filter((other) => other.group_id === group && other.label === label)
  return parts.length > 1 && parts.some((other) => OUTLINES.has(other.shape_type))
}

/** Adds a part to an object. Parts with pixels become one mask; parts with rings stay rings. */
function mergeOutlines(first: Annotation, part: Annotation, { width, height }: ShapeContext, lose: Lose): void {
  // The parts of a circle are no circle.
  const { circle: _, ...attributes } = first.attributes ?? {}
  first.attributes = Object.keys(attributes).length > 0 ? attributes : undefined
  if (first.rle === undefined && part.rle === undefined) {
    first.polygons = [...ringsOf(first), ...ringsOf(part)]
    first.kind = 'polygon'
    first.bbox = boxOfRings(first.polygons) ?? first.bbox
    return
  }
  const toRle = (annotation: Annotation) => annotation.rle ?? rasterizeRings(ringsOf(annotation), width, height)
  const rle = mergeRles([toRle(first), toRle(part)])
  lose('annotation-merged', 'one mask with the other shapes of its group')
  first.rle = rle
  first.polygons = undefined
  first.kind = 'mask'
  first.bbox = rleBox(rle) ?? first.bbox
}

function ringsOf({ polygons, bbox }: Annotation): number[][] {
  if (polygons !== undefined) return polygons
  const [x = 0, y = 0, width = 0, height = 0] = bbox ?? []
  return [[x, y, x + width, y, x + width, y + height, x, y + height]]
}

function isKeypoint({ group_id: group }: LabelMeShape, shapes: readonly LabelMeShape[]): boolean {
  return (
    group !== undefined &&
    group !== null &&
    shapes.some((other) => other.shape_type !== 'point' && other.group_id === group)
  )
}

/** Adds the points of the object's group, by their labels. A point with the flag `occluded` gets v = 1. */
function addKeypoints(
  annotation: Annotation,
  shape: LabelMeShape,
  shapes: readonly LabelMeShape[],
  context: ShapeContext,
): void {
  const names = context.keypoints?.get(shape.label)?.keypoints
  if (names === undefined || names.length === 0) return
  const flat = new Array<number>(names.length * 3).fill(0)
  for (const point of shapes) {
    if (point.shape_type !== 'point' || point.group_id !== shape.group_id) continue
    const at = names.indexOf(point.label)
    const [x, y] = point.points[0] ?? []
    if (at === -1 || typeof x !== 'number' || typeof y !== 'number' || !Number.isFinite(x + y)) {
      context.losses.add('keypoints-dropped', `${JSON.stringify(point.label)} in ${context.path}`)
      continue
    }
    flat.splice(at * 3, 3, x, y, point.flags?.occluded === true ? 1 : 2)
  }
  annotation.kind = 'keypoints'
  annotation.keypoints = flat
}
