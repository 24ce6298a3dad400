import type { ImageObject } from '@trainyard/contract'
import { type ImageRecord, readImageSize } from '@trainyard/datasets'

/** More cannot be told apart on a picture. */
const MAX_OBJECTS = 200
/** Points of one ring. */
const MAX_POINTS = 60
const MAX_RINGS = 20
/** Numbers of one dataset: about 60 MB of JSON. Boxes alone of a million objects are 4 million. */
const MAX_NUMBERS = 8_000_000
/** Outlines end here, boxes go on. */
const MAX_OUTLINE_NUMBERS = 4_000_000

/** Keeps what the pages draw, until a dataset has too many objects. */
export class ObjectBudget {
  #numbers = 0

  /** Undefined when the budget is used up. */
  take({ annotations }: Pick<ImageRecord, 'annotations'>): ImageObject[] | undefined {
    if (this.#numbers > MAX_NUMBERS) return undefined
    return annotations.slice(0, MAX_OBJECTS).map((annotation) => {
      const { classId, bbox, obb, keypoints } = annotation
      const rings = annotation.polygons ?? (obb === undefined ? undefined : [obb])
      const polygons = this.#numbers > MAX_OUTLINE_NUMBERS ? undefined : rings?.slice(0, MAX_RINGS).map(thin)
      const object: ImageObject = {
        classId,
        bbox: bbox?.every(Number.isFinite)
          ? [tenth(bbox[0]), tenth(bbox[1]), tenth(bbox[2]), tenth(bbox[3])]
          : undefined,
        polygons,
        keypoints: keypoints?.slice(0, 3 * MAX_OBJECTS).map(tenth),
      }
      this.#numbers += 5 + (polygons?.flat().length ?? 0) + (object.keypoints?.length ?? 0)
      return object
    })
  }
}

/** A ring with fewer points, evenly left out. */
function thin(ring: readonly number[]): number[] {
  const points = Math.floor(ring.length / 2)
  const step = Math.max(1, points / MAX_POINTS)
  const kept: number[] = []
  for (let at = 0; at < points; at += step) {
    const index = Math.floor(at) * 2
    kept.push(tenth(ring[index] ?? 0), tenth(ring[index + 1] ?? 0))
  }
  return kept
}

const tenth = (value: number): number => (Number.isFinite(value) ? Math.round(value * 10) / 10 : 0)

/** PostgreSQL's integers end here. */
const MAX_SIDE = 2_147_483_647

/** The size of the file, where it is here: annotations can state another one. */
export function sizeOfImage(record: Pick<ImageRecord, 'path' | 'file' | 'width' | 'height'>) {
  const size = record.file === undefined ? record : (readSize(record.file, record.path) ?? record)
  const isKnown = [size.width, size.height].every((side) => Number.isInteger(side) && side > 0 && side <= MAX_SIDE)
  return isKnown ? { width: size.width, height: size.height } : undefined
}

/** Undefined for a damaged header, which the check of the images reports. */
function readSize(file: string, path: string) {
  try {
    return readImageSize(file, path)
  } catch {
    return undefined
  }
}
