import { z } from 'zod'
import type { Box } from '../../geometry/box.ts'
import { type RunLengths, rleBox } from '../../geometry/rle.ts'
import { encodePng } from '../../images/encode-png.ts'
import { findBox } from '../../record/find-box.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import type { LossReason } from '../../report/loss-counter.ts'
import type { WriteContext } from '../../writing/dataset-writer.ts'
import { roundTo } from '../../writing/format-number.ts'

export interface WrittenShape {
  label: string
  points: number[][]
  group_id: number | string | null
  description: string
  shape_type: string
  flags: Record<string, unknown>
  mask: string | null
}

/** Attributes that LabelMe can hold. Shapes that only LabelMe has are kept as `attributes.shape` and `attributes.circle`. */
const OwnAttributes = z.looseObject({
  group_id: z.union([z.number(), z.string()]).optional().catch(undefined),
  flags: z.record(z.string(), z.unknown()).optional().catch(undefined),
  description: z.string().optional().catch(undefined),
  circle: z
    .object({ center: z.tuple([z.number(), z.number()]), radius: z.number().positive() })
    .optional()
    .catch(undefined),
  shape: z
    .object({ type: z.enum(['point', 'line', 'linestrip', 'points']), points: z.array(z.number()) })
    .optional()
    .catch(undefined),
})
type OwnAttributes = z.infer<typeof OwnAttributes>

/** Creates the shapes of annotations: several for an object with several parts or with keypoints. */
export class ShapeWriter {
  readonly #context: WriteContext
  readonly #names: readonly string[]
  readonly #keypointNames: string[][]

  /** `names` and `keypointNames` are by class id. Missing keypoint names are added while shapes are written. */
  constructor(context: WriteContext, names: readonly string[], keypointNames: string[][]) {
    this.#context = context
    this.#names = names
    this.#keypointNames = keypointNames
  }

  /** `before` are the shapes that the image has already. Empty, and counted, when LabelMe cannot hold the annotation. */
  toShapes(annotation: Annotation, { path }: ImageRecord, before: readonly WrittenShape[]): WrittenShape[] {
    const lose = (reason: LossReason, what: string) => this.#context.report.lose(reason, `${path}: ${what}`)
    const own = OwnAttributes.parse(annotation.attributes ?? {})
    countLost(annotation, own, lose)
    const make = (type: string, flat: readonly number[]) => this.#toShape(annotation.classId, own, type, flat)
    // The parts of one object need a group that no other object of the image has.
    const freeGroup = () => own.group_id ?? annotation.group ?? nextGroup(before)

    const { kind, keypoints } = annotation
    if (own.shape !== undefined && kind === 'other') return [make(own.shape.type, own.shape.points)]
    if (own.circle !== undefined) {
      const [x, y] = own.circle.center
      return [make('circle', [x, y, x + own.circle.radius, y])]
    }
    if (keypoints !== undefined && this.#context.options.task === 'pose') {
      const box = findBox(annotation)
      if (box === undefined) {
        lose('annotation-kind-not-supported', 'no keypoint is labelled')
        return []
      }
      if (annotation.bbox === undefined) lose('box-derived', 'keypoints')
      const group = freeGroup()
      return [
        { ...make('rectangle', cornersOf(box)), group_id: group },
        ...this.#toPoints(annotation, keypoints, group),
      ]
    }
    if (keypoints !== undefined) lose('keypoints-dropped', this.#names[annotation.classId] ?? '')
    const shapes = this.#toOutline(annotation, make, freeGroup, lose)
    if (shapes.length === 0) lose('annotation-kind-not-supported', kind)
    return shapes
  }

  #toOutline(
    annotation: Annotation,
    make: (type: string, flat: readonly number[]) => WrittenShape,
    freeGroup: () => number | string,
    lose: (reason: LossReason, what: string) => void,
  ): WrittenShape[] {
    const { task } = this.#context.options
    const { bbox, obb, polygons, rle } = annotation
    if (task === 'obb' && obb !== undefined) return [make('oriented_rectangle', obb)]
    if (task === 'detection') {
      const box = findBox(annotation)
      if (box === undefined) return []
      if (obb !== undefined) lose('rotation-dropped', JSON.stringify(obb))
      if (polygons !== undefined) lose('polygon-dropped', `${polygons.length} rings`)
      if (rle !== undefined) lose('mask-dropped', `${rle.width} × ${rle.height}`)
      return [make('rectangle', cornersOf(box))]
    }
    if (rle !== undefined) {
      const shape = toMask(rle, make)
      return [{ ...shape, group_id: shape.group_id ?? annotation.group ?? null }]
    }
    if (polygons !== undefined && polygons.length > 0) {
      const shapes = polygons.map((ring) => make('polygon', ring))
      if (shapes.length === 1) return shapes
      const group = freeGroup()
      return shapes.map((shape) => ({ ...shape, group_id: group }))
    }
    if (obb !== undefined) return [make('oriented_rectangle', obb)]
    return bbox === undefined ? [] : [make('rectangle', cornersOf(bbox))]
  }

  #toShape(classId: number, own: OwnAttributes, type: string, flat: readonly number[]): WrittenShape {
    return {
      label: this.#names[classId] ?? '',
      group_id: own.group_id ?? null,
      description: own.description ?? '',
      flags: own.flags ?? {},
      mask: null,
      points: this.#toPairs(flat),
      shape_type: type,
    }
  }

  #toPoints({ classId }: Annotation, keypoints: readonly number[], group: number | string): WrittenShape[] {
    const labels = this.#keypointNames[classId] ?? []
    // Every keypoint gets a name, so that `keypoints.json` can list their order.
    while (labels.length * 3 < keypoints.length) labels.push(String(labels.length))
    const points: WrittenShape[] = []
    for (let index = 0; index * 3 + 2 < keypoints.length; index++) {
      const [x = 0, y = 0, v = 0] = keypoints.slice(index * 3, index * 3 + 3)
      if (v === 0) continue
      points.push({
        label: labels[index] ?? '',
        points: this.#toPairs([x, y]),
        group_id: group,
        description: '',
        shape_type: 'point',
        flags: v === 1 ? { occluded: true } : {},
        mask: null,
      })
    }
    return points
  }

  #toPairs(flat: readonly number[]): number[][] {
    const { decimals } = this.#context.options
    return Array.from({ length: Math.floor(flat.length / 2) }, (_, index) => [
      roundTo(flat[index * 2] ?? 0, decimals),
      roundTo(flat[index * 2 + 1] ?? 0, decimals),
    ])
  }
}

function nextGroup(shapes: readonly WrittenShape[]): number {
  return 1 + Math.max(0, ...shapes.map(({ group_id: group }) => (typeof group === 'number' ? group : 0)))
}

function countLost(
  annotation: Annotation,
  { group_id, flags, description, circle, shape, ...others }: OwnAttributes,
  lose: (reason: LossReason, what: string) => void,
): void {
  const lost = Object.keys(others)
  if (annotation.isCrowd) lost.push('isCrowd')
  if (lost.length > 0) lose('annotation-attributes-dropped', lost.join(', '))
  if (annotation.id !== undefined) lose('annotation-id-dropped', String(annotation.id))
  if (annotation.area !== undefined) lose('area-dropped', String(annotation.area))
}

function cornersOf([x, y, width, height]: Box): number[] {
  return [x, y, x + width, y + height]
}

/** The pixels of a mask inside its box. LabelMe includes both corners of the box. */
function toMask(rle: RunLengths, make: (type: string, flat: readonly number[]) => WrittenShape): WrittenShape {
  const [left, top, width, height] = rleBox(rle) ?? [0, 0, 1, 1]
  const data = new Uint8Array(width * height)
  let position = 0
  for (const [index, count] of rle.counts.entries()) {
    if (index % 2 === 1) {
      for (let pixel = position; pixel < position + count; pixel++)
        data[((pixel % rle.height) - top) * width + Math.floor(pixel / rle.height) - left] = 1
    }
    position += count
  }
  const mask = encodePng({ width, height, channels: 1, data }).toString('base64')
  return { ...make('mask', [left, top, left + width - 1, top + height - 1]), mask }
}
