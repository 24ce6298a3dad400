import { DatasetError } from '@trainyard/contract/trainer-errors'
import { maskToParts } from '../../geometry/mask-parts.ts'
import { bridgeRings, orientParts } from '../../geometry/polygon.ts'
import { encodeMask, rasterizeRing, rleArea, rleBox } from '../../geometry/rle.ts'
import { decodePng } from '../../images/decode-png.ts'
import type { Annotation } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'

/** How the pixels of a class mask are read. */
export interface ReadClassMaskOptions {
  /** The class of each pixel value. It is not guessed: whether 1 is class 0 or class 1 depends on the tool. */
  classes: ReadonlyMap<number, number>
  /** Values that belong to no object: background, and the border of VOC. Default 0 and 255, unless they are classes. */
  ignore?: readonly number[] | undefined
  /** Counts values that are neither class nor ignored. */
  losses?: LossCounter | undefined
}

/**
 * Reads the objects in a mask whose pixels are class numbers (grey, or the index into a palette): one for each connected
 * part of a class, with its holes. Throws `DatasetError` for anything but a PNG with one number a pixel: JPEG compression
 * changes class numbers.
 */
export function readClassMask(
  bytes: Uint8Array,
  name: string,
  { classes, ignore = [0, 255], losses = new LossCounter() }: ReadClassMaskOptions,
): { width: number; height: number; annotations: Annotation[] } {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) {
    throw new DatasetError(`Class mask "${name}" is a JPEG, which changes pixel values; expected a PNG`)
  }
  const { width, height, channels, samples } = decodePng(bytes, name)
  if (channels !== 1) {
    throw new DatasetError(
      `Class mask "${name}" has ${channels} channels; expected a grey or palette PNG with one class number a pixel`,
    )
  }
  const values = new Set(samples)
  const annotations: Annotation[] = []
  for (const value of [...values].sort((a, b) => a - b)) {
    const classId = classes.get(value)
    if (classId !== undefined) annotations.push(...objectsOf(value, classId))
    else if (!ignore.includes(value)) losses.add('annotation-of-unknown-class', `${name}: pixel value ${value}`)
  }
  return { width, height, annotations }

  function objectsOf(value: number, classId: number): Annotation[] {
    const data = Uint8Array.from(samples, (sample) => (sample === value ? 1 : 0))
    return maskToParts(encodeMask({ width, height, data })).map((part) => {
      const ring = bridgeRings(orientParts([part]))
      const rle = rasterizeRing(ring, width, height)
      const polygons = part.holes.length === 0 ? [part.outer] : undefined
      return { kind: 'mask', classId, rle, area: rleArea(rle), polygons, bbox: rleBox(rle) }
    })
  }
}
