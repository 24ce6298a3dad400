import { z } from 'zod'
import type { RunLengths } from '../../geometry/rle.ts'
import { rleBox } from '../../geometry/rle.ts'
import { encodePng } from '../../images/encode-png.ts'
import { findBox } from '../../record/find-box.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import type { LossReason } from '../../report/loss-counter.ts'
import type { WriteContext } from '../../writing/dataset-writer.ts'
import { roundTo } from '../../writing/format-number.ts'

export interface WrittenShape {
  label: string
  points: number[][]
  group_id: number | null
  description: string
  shape_type: string
  flags: Record<string, unknown>
  mask: string | null
}

/** Shapes that only LabelMe has travel as `attributes.shape` and `attributes.circle`. */
const OwnAttributes = z.looseObject({
  group_id: z.number().optional().catch(undefined),
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

/** Makes the shapes of an annotation: several for an object of several parts, or with keypoints; none when it has no place. */
export function createShapeWriter(
  { report, options }: WriteContext,
  names: readonly string[],
  keypointNames: string[][],
) {
  const pairs = (flat: readonly number[]) =>
    Array.from({ length: Math.floor(flat.length / 2) }, (_, index) => [
      roundTo(flat[index * 2] ?? 0, options.decimals),
      roundTo(flat[index * 2 + 1] ?? 0, options.decimals),
    ])

  return (annotation: Annotation, { path }: ImageRecord, before: readonly WrittenShape[]): WrittenShape[] => {
    const lose = (reason: LossReason, what: string) => report.lose(reason, `${path}: ${what}`)
    const drop = (what: string): WrittenShape[] => {
      lose('annotation-kind-not-supported', what)
      return []
    }
    const {
      group_id: ownGroup,
      flags = {},
      description = '',
      circle,
      shape,
      ...others
    } = OwnAttributes.parse(annotation.attributes ?? {})
    const lost = Object.keys(others)
    if (annotation.isCrowd) lost.push('isCrowd')
    if (lost.length > 0) lose('annotation-attributes-dropped', lost.join(', '))
    if (annotation.id !== undefined) lose('annotation-id-dropped', String(annotation.id))
    if (annotation.area !== undefined) lose('area-dropped', String(annotation.area))
    const base = { label: names[annotation.classId] ?? '', group_id: ownGroup ?? null, description, flags, mask: null }
    const make = (type: string, flat: readonly number[]): WrittenShape => ({
      ...base,
      points: pairs(flat),
      shape_type: type,
    })
    // Parts of one object need a group that no other object of the image has.
    const freeGroup = () => ownGroup ?? 1 + Math.max(0, ...before.map((other) => other.group_id ?? 0))

    const { kind, bbox, obb, polygons, rle, keypoints } = annotation
    if (shape !== undefined && kind === 'other') return [make(shape.type, shape.points)]
    if (circle !== undefined) {
      const [x, y] = circle.center
      return [make('circle', [x, y, x + circle.radius, y])]
    }
    if (keypoints !== undefined && options.task === 'pose') {
      const box = findBox(annotation)
      if (box === undefined) return drop('keypoints without one that is labelled')
      if (bbox === undefined) lose('box-derived', 'keypoints')
      const group = freeGroup()
      return [
        { ...make('rectangle', corners(box)), group_id: group },
        ...toPoints(keypoints, annotation.classId, group),
      ]
    }
    if (keypoints !== undefined) lose('keypoints-dropped', names[annotation.classId] ?? '')
    if (options.task === 'obb' && obb !== undefined) return [make('oriented_rectangle', obb)]
    if (options.task === 'detection') {
      const box = findBox(annotation)
      if (box === undefined) return drop(kind)
      if (obb !== undefined) lose('rotation-dropped', JSON.stringify(obb))
      if (polygons !== undefined) lose('polygon-dropped', `${polygons.length} rings`)
      if (rle !== undefined) lose('mask-dropped', `${rle.width} × ${rle.height}`)
      return [make('rectangle', corners(box))]
    }
    if (rle !== undefined) return [toMask(rle, make)]
    if (polygons !== undefined && polygons.length > 0) {
      const group = polygons.length > 1 ? freeGroup() : (ownGroup ?? null)
      return polygons.map((ring) => ({ ...make('polygon', ring), group_id: group }))
    }
    if (obb !== undefined) return [make('oriented_rectangle', obb)]
    if (bbox !== undefined) return [make('rectangle', corners(bbox))]
    return drop(kind)
  }

  function toPoints(keypoints: readonly number[], classId: number, group: number): WrittenShape[] {
    const labels = keypointNames[classId] ?? []
    // Names for those that have none, so that `keypoints.json` can tell their order.
    while (labels.length * 3 < keypoints.length) labels.push(String(labels.length))
    const points: WrittenShape[] = []
    for (let index = 0; index * 3 + 2 < keypoints.length; index++) {
      const [x = 0, y = 0, v = 0] = keypoints.slice(index * 3, index * 3 + 3)
      if (v === 0) continue
      points.push({
        label: labels[index] ?? '',
        points: pairs([x, y]),
        group_id: group,
        description: '',
        shape_type: 'point',
        flags: v === 1 ? { occluded: true } : {},
        mask: null,
      })
    }
    return points
  }
}

function corners([x, y, width, height]: readonly [number, number, number, number]): number[] {
  return [x, y, x + width, y + height]
}

/** The pixels inside the mask's own box, both its corners included, as LabelMe wants them. */
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
