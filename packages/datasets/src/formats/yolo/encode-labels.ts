import { DatasetError } from '@trainyard/contract/trainer-errors'
import { type Box, boxOfPoints, clipBox, isValidBox } from '../../geometry/box.ts'
import { maskToParts } from '../../geometry/mask-parts.ts'
import { clipObb, minAreaRect, rectify, rotatedBoxOfCorners } from '../../geometry/obb.ts'
import {
  bridgeRings,
  cleanRing,
  clipRing,
  orientParts,
  type PolygonPart,
  type Ring,
  ringArea,
} from '../../geometry/polygon.ts'
import { findBox } from '../../record/find-box.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import type { LossReason } from '../../report/loss-counter.ts'
import type { WriteContext } from '../../writing/dataset-writer.ts'
import { LabelBuffer } from './label-buffer.ts'

/** A turned box of which less than this is in the image is dropped: nobody could tell its direction. */
const MIN_OBB_VISIBILITY = 0.1
/** A hair beyond the edge is a rounding error of whoever wrote it. */
const HAIR = 1e-6

export interface LabelEncoder {
  /**
   * The label file of an image, valid until the next call, and the class of each row. The image's sides must be known
   * when it has annotations.
   */
  encode(record: ImageRecord, width: number, height: number): { bytes: Buffer; classIds: number[] }
}

/** Its own box; where that is none (`[0, 0, 0, 0]` stands in for unknown in many files) the one around its geometry. */
function boxOf(annotation: Annotation): Box | undefined {
  const box = findBox(annotation)
  if (box === undefined || box !== annotation.bbox || isValidBox(box)) return box
  const { bbox: _, ...rest } = annotation
  return findBox(rest) ?? box
}

/** Makes label files for one task: rows of one kind only, in order, nothing that the loader would refuse. */
export function createLabelEncoder(
  { options, report }: Pick<WriteContext, 'options' | 'report'>,
  keypointCount: number,
): LabelEncoder {
  const buffer = new LabelBuffer(options.decimals)
  const { minAreaPx } = options
  let record: ImageRecord
  let width = 0
  let height = 0
  let classIds: number[] = []

  const lose = (reason: LossReason, count = 1) => report.lose(reason, record.path, count)
  const drop = (reason: LossReason, value: unknown) =>
    report.lose(reason, () => `${record.path}: ${JSON.stringify(value)}`)
  const encodeAnnotation = { detection: detect, segmentation: segment, pose, obb, classification: () => {} }[
    options.task
  ]

  return {
    encode(nextRecord, nextWidth, nextHeight) {
      record = nextRecord
      width = nextWidth
      height = nextHeight
      classIds = []
      buffer.clear()
      for (const annotation of record.annotations) {
        if (annotation.isCrowd === true && options.crowd === 'skip') {
          lose('crowd-skipped')
          continue
        }
        const rows = classIds.length
        encodeAnnotation(annotation)
        if (classIds.length === rows) continue
        if (annotation.id !== undefined) lose('annotation-id-dropped')
        if (annotation.attributes !== undefined) lose('annotation-attributes-dropped')
        if (annotation.area !== undefined) lose('area-dropped')
      }
      return { bytes: buffer.bytes, classIds }
    },
  }

  function endRow(classId: number): void {
    if (buffer.endRow()) classIds.push(classId)
    else lose('annotation-duplicate')
  }

  /** The box to write, or undefined when it is counted as lost. */
  function usableBox(annotation: Annotation): Box | undefined {
    const box = boxOf(annotation)
    if (box === undefined) {
      drop('annotation-kind-not-supported', annotation.kind)
      return undefined
    }
    if (!isValidBox(box)) {
      drop('annotation-invalid', box)
      return undefined
    }
    const clipped = clipBox(box, width, height)
    if (clipped === undefined) {
      drop('annotation-outside-image', box)
      return undefined
    }
    const [x, y, boxWidth, boxHeight] = clipped
    if (boxWidth * boxHeight < minAreaPx || buffer.isZero(boxWidth / width) || buffer.isZero(boxHeight / height)) {
      drop('annotation-too-small', box)
      return undefined
    }
    if (annotation.bbox !== box) lose('box-derived')
    if (clipped !== box) {
      const moved =
        Math.abs(x - box[0]) + Math.abs(y - box[1]) + Math.abs(boxWidth - box[2]) + Math.abs(boxHeight - box[3])
      if (moved > HAIR) drop('box-clipped', box)
    }
    return clipped
  }

  function addBox([x, y, boxWidth, boxHeight]: Box): void {
    buffer.addShare((x + boxWidth / 2) / width)
    buffer.addShare((y + boxHeight / 2) / height)
    buffer.addShare(boxWidth / width)
    buffer.addShare(boxHeight / height)
  }

  function addRing(ring: readonly number[]): void {
    for (let index = 0; index < ring.length; index += 2) {
      buffer.addShare((ring[index] as number) / width)
      buffer.addShare((ring[index + 1] as number) / height)
    }
  }

  function detect(annotation: Annotation): void {
    const box = usableBox(annotation)
    if (box === undefined) return
    buffer.startRow(annotation.classId)
    addBox(box)
    if (annotation.obb !== undefined) lose('rotation-dropped')
    if (annotation.polygons !== undefined) lose('polygon-dropped')
    if (annotation.rle !== undefined) lose('mask-dropped')
    if (annotation.keypoints !== undefined) lose('keypoints-dropped')
    endRow(annotation.classId)
  }

  function segment(annotation: Annotation): void {
    const parts = outlineOf(annotation)
    if (parts.length === 0) return
    if (annotation.obb !== undefined) lose('rotation-dropped')
    if (annotation.keypoints !== undefined) lose('keypoints-dropped')
    for (const ring of joinParts(parts)) {
      buffer.startRow(annotation.classId)
      addRing(ring)
      endRow(annotation.classId)
    }
  }

  /** The parts of an object inside the image; none when it is counted as lost. */
  function outlineOf(annotation: Annotation): PolygonPart[] {
    const { polygons, rle } = annotation
    if (rle !== undefined && (polygons === undefined || annotation.kind === 'mask')) {
      if (rle.width !== width || rle.height !== height) {
        drop('mask-size-mismatch', `the mask is ${rle.width} × ${rle.height}, the image ${width} × ${height}`)
        return []
      }
      const parts = maskToParts(rle)
      if (parts.length === 0) drop('annotation-invalid', 'an empty mask')
      else lose('polygon-from-mask')
      return parts
    }
    if (polygons !== undefined) {
      const parts = clipPolygons(polygons)
      if (parts !== undefined) return parts
    }
    return boxOutline(annotation)
  }

  /** Undefined when no ring is an area, so that the box may stand in. */
  function clipPolygons(polygons: readonly Ring[]): PolygonPart[] | undefined {
    const parts: PolygonPart[] = []
    let hasArea = false
    let isClipped = false
    let lostPart: LossReason | undefined
    for (const polygon of polygons) {
      const ring = cleanRing(polygon)
      if (ring === undefined) {
        drop('polygon-degenerate', polygon.slice(0, 12))
        continue
      }
      hasArea = true
      const clipped = clipRing(ring, width, height)
      if (clipped !== ring) isClipped = true
      if (clipped === undefined) lostPart ??= 'annotation-outside-image'
      else if (ringArea(clipped) < minAreaPx || isFlat(clipped)) lostPart = 'annotation-too-small'
      else parts.push({ outer: clipped, holes: [] })
    }
    if (!hasArea) return undefined
    if (parts.length === 0) lose(lostPart ?? 'annotation-too-small')
    else if (isClipped) lose('polygon-clipped')
    return parts
  }

  /** Whether its digits could make a line of it. */
  function isFlat(ring: Ring): boolean {
    const [, , ringWidth, ringHeight] = boxOfPoints(ring) ?? [0, 0, 0, 0]
    return buffer.isFlat(ringWidth / width) || buffer.isFlat(ringHeight / height)
  }

  /** A box among outlines becomes an outline of four corners: rows of two kinds in one file are misread. */
  function boxOutline(annotation: Annotation): PolygonPart[] {
    const corners = annotation.obb && rectify(annotation.obb)?.corners
    if (corners !== undefined) {
      const parts = clipPolygons([corners]) ?? []
      if (parts.length > 0) lose('polygon-from-box')
      return parts
    }
    const box = usableBox(annotation)
    if (box === undefined) return []
    lose('polygon-from-box')
    const [x, y, boxWidth, boxHeight] = box
    return [{ outer: [x, y, x + boxWidth, y, x + boxWidth, y + boxHeight, x, y + boxHeight], holes: [] }]
  }

  /** One ring a row. */
  function joinParts(parts: readonly PolygonPart[]): Ring[] {
    const [only] = parts
    if (only !== undefined && parts.length === 1 && only.holes.length === 0) return [only.outer]
    let kept = parts
    if (parts.length > 1) {
      if (options.multiPart === 'largest') {
        kept = [parts.reduce((best, part) => (ringArea(part.outer) > ringArea(best.outer) ? part : best))]
        lose('polygon-part-dropped', parts.length - 1)
      } else lose(options.multiPart === 'split' ? 'polygon-split' : 'polygon-bridged')
    }
    lose(
      'hole-bridged',
      kept.reduce((sum, part) => sum + part.holes.length, 0),
    )
    if (options.multiPart === 'split') return kept.map((part) => bridgeRings(orientParts([part])))
    return [bridgeRings(orientParts(kept))]
  }

  function pose(annotation: Annotation): void {
    const { keypoints } = annotation
    const count = keypoints === undefined ? 0 : keypoints.length / 3
    if (!Number.isInteger(count)) {
      drop('annotation-invalid', `${keypoints?.length} numbers of keypoints; wanted are three each`)
      return
    }
    if (count > keypointCount) {
      throw new DatasetError(
        `Image "${record.path}" has an object with ${count} keypoints, but the dataset has ${keypointCount} an object`,
      )
    }
    const box = usableBox(annotation)
    if (box === undefined) return
    buffer.startRow(annotation.classId)
    addBox(box)
    for (let index = 0; index < count * 3; index += 3) {
      addKeypoint(keypoints?.[index] ?? 0, keypoints?.[index + 1] ?? 0, keypoints?.[index + 2] ?? 0)
    }
    for (let index = count; index < keypointCount; index++) addKeypoint(0, 0, 0)
    if (count < keypointCount) lose('keypoints-padded')
    if (annotation.polygons !== undefined) lose('polygon-dropped')
    if (annotation.rle !== undefined) lose('mask-dropped')
    if (annotation.obb !== undefined) lose('rotation-dropped')
    endRow(annotation.classId)
  }

  /** What is not labelled is three zeros: the loader refuses the whole image for a coordinate below zero. */
  function addKeypoint(x: number, y: number, visibility: number): void {
    const isLabelled = visibility === 1 || visibility === 2
    const isInside = x >= -HAIR && y >= -HAIR && x <= width + HAIR && y <= height + HAIR
    if (isLabelled && !isInside) drop('keypoint-outside-image', [x, y])
    const isWritten = isLabelled && isInside
    buffer.addShare(isWritten ? x / width : 0)
    buffer.addShare(isWritten ? y / height : 0)
    buffer.addInteger(isWritten ? visibility : 0)
  }

  function obb(annotation: Annotation): void {
    const corners = cornersOf(annotation)
    if (corners === undefined) return
    const clipped = clipObb(corners, width, height)
    if (clipped === undefined || clipped.visibility < MIN_OBB_VISIBILITY) {
      drop('annotation-outside-image', corners)
      return
    }
    const { width: side, height: otherSide } = rotatedBoxOfCorners(clipped.corners)
    const isThin = buffer.isFlat(Math.min(side, otherSide) / Math.max(width, height))
    if (isThin || ringArea(clipped.corners) < minAreaPx) {
      drop('annotation-too-small', corners)
      return
    }
    if (clipped.isClipped && clipped.visibility < 1 - HAIR) drop('obb-clipped', corners)
    if (annotation.keypoints !== undefined) lose('keypoints-dropped')
    buffer.startRow(annotation.classId)
    addRing(clipped.corners)
    endRow(annotation.classId)
  }

  function cornersOf(annotation: Annotation): number[] | undefined {
    if (annotation.obb !== undefined) {
      const rectified = rectify(annotation.obb)
      if (rectified === undefined) drop('annotation-invalid', annotation.obb)
      else if (rectified.isRefitted) drop('obb-refitted', annotation.obb)
      return rectified?.corners
    }
    const points = annotation.polygons ?? (annotation.rle && maskToParts(annotation.rle).map(({ outer }) => outer))
    const fitted = points?.flat().every(Number.isFinite) ? minAreaRect(points.flat()) : undefined
    if (fitted !== undefined) {
      lose(annotation.polygons === undefined ? 'mask-dropped' : 'polygon-dropped')
      lose('obb-refitted')
      return fitted
    }
    const box = usableBox(annotation)
    if (box === undefined) return undefined
    const [x, y, boxWidth, boxHeight] = box
    return [x, y, x + boxWidth, y, x + boxWidth, y + boxHeight, x, y + boxHeight]
  }
}
