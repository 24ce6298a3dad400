import { posix } from 'node:path'
import type { Box } from '../../geometry/box.ts'
import { maskToParts } from '../../geometry/mask-parts.ts'
import { bridgeRings, orientParts } from '../../geometry/polygon.ts'
import type { RunLengths } from '../../geometry/rle.ts'
import { rasterizeRing, rleArea, rleBox } from '../../geometry/rle.ts'
import { masksOfValues } from '../../geometry/value-masks.ts'
import type { Annotation } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { DEVKIT_NUMBERS, devkitColour, VOID } from './colour-map.ts'
import type { VocLabels } from './labels.ts'
import { loadMask, MaskError, type VocMask } from './load-mask.ts'

/** Where the masks of an image are, and its XML would be. */
export interface MaskPaths {
  xml: string
  classes?: string
  objects?: string
}

const MASK_PATH = /^(?:(.*)\/)?Segmentation(Class|Object)(?:PNG)?\/(.+)\.png$/i
/** No class and no object: background, and the border around objects. */
const NONE = -1
/** More colours than this are a photograph. */
const MAX_OBJECTS = 10_000
/** A mask in more runs than this is noise: it stays a mask, and is not traced. */
const MAX_RUNS = 50_000

/** The masks of each image, by its path in its devkit without suffix. */
export function findMasks(files: readonly string[]): Map<string, MaskPaths> {
  const masks = new Map<string, MaskPaths>()
  for (const path of files) {
    const [, devkit = '.', kind, stem = ''] = MASK_PATH.exec(path) ?? []
    if (kind === undefined) continue
    const key = posix.join(devkit, stem)
    const xml = posix.join(devkit, 'Annotations', `${stem}.xml`)
    masks.set(key, { ...masks.get(key), xml, [kind.toLowerCase() === 'class' ? 'classes' : 'objects']: path })
  }
  return masks
}

export interface ReadMasksContext {
  dir: string
  labels: VocLabels
  /** Of the image, where it is known. */
  size: { width: number; height: number } | undefined
  /** The objects of the XML in their order, with a gap for each that is none. */
  objects: readonly (Annotation | undefined)[]
  losses: LossCounter
}

/**
 * The objects in the masks of an image. The number of a pixel in `SegmentationObject` is that of the object in the XML, from
 * 1 on; what the XML says of it is kept. Without that mask each connected part of a class is an object. Throws `MaskError`.
 */
export async function readMasks(
  paths: MaskPaths,
  { dir, labels, size, objects, losses }: ReadMasksContext,
): Promise<{ width: number; height: number; annotations: Annotation[] }> {
  const classMask = paths.classes === undefined ? undefined : await loadMask(dir, paths.classes, size)
  const objectMask = paths.objects === undefined ? undefined : await loadMask(dir, paths.objects, classMask ?? size)
  const { width, height } = objectMask ?? classMask ?? { width: 0, height: 0 }
  const classes = classMask && toClasses(classMask, labels, (what) => lose(paths.classes, what))
  const numbers = objectMask && toNumbers(objectMask, paths.objects ?? '')
  const free = new Set(objects.flatMap((object, index) => (object === undefined ? [] : [index])))
  const found: Annotation[] = []
  if (numbers !== undefined) {
    const masks = masksOfValues({ width, height, values: numbers }, NONE)
    const majority = classes && findMajority(numbers, classes)
    for (const [number, rle] of [...masks].sort(([a], [b]) => a - b)) {
      const classId = majority?.get(number) ?? objects[number - 1]?.classId
      if (classId === undefined) {
        lose(paths.objects, `object ${number}`)
        continue
      }
      const index = matchObject(number, classId, rleBox(rle), objects, free)
      if (index !== undefined) free.delete(index)
      found.push(toAnnotation(rle, classId, index === undefined ? undefined : objects[index]))
    }
  }
  if (classes !== undefined) {
    // What is of a class and of no object.
    const rest = numbers === undefined ? classes : classes.map((id, at) => (numbers[at] === NONE ? id : NONE))
    for (const [classId, rle] of [...masksOfValues({ width, height, values: rest }, NONE)].sort(([a], [b]) => a - b))
      found.push(...splitParts(rle).map((part) => toAnnotation(part, classId, undefined)))
  }
  return { width, height, annotations: [...found, ...[...free].flatMap((index) => objects[index] ?? [])] }

  function lose(path = '', what: string): void {
    losses.add('annotation-of-unknown-class', `${path}: ${what}`)
  }
}

/** The class of each pixel. */
function toClasses(mask: VocMask, labels: VocLabels, lose: (what: string) => void): Int32Array {
  const used = new Set(toList(mask))
  const colourOf = (value: number) =>
    mask.isColours
      ? value
      : ((mask.palette?.[value * 3] ?? 0) << 16) |
        ((mask.palette?.[value * 3 + 1] ?? 0) << 8) |
        (mask.palette?.[value * 3 + 2] ?? 0)
  const isNone = (colour: number) => colour === 0 || colour === devkitColour(VOID)
  // The palette decides where it is that of the list: its numbers may be others.
  const byColour =
    mask.isColours ||
    (mask.palette !== undefined &&
      [...used].every((value) => isNone(colourOf(value)) || labels.byColour.has(colourOf(value))))
  const ids = new Map<number, number>()
  for (const value of used) {
    const id = byColour ? labels.byColour.get(colourOf(value)) : labels.byNumber.get(value)
    const isEmpty = byColour ? isNone(colourOf(value)) : value === 0 || value === VOID
    if (id === undefined && !isEmpty && labels.byNumber.size > 0)
      lose(byColour ? `colour ${colourOf(value).toString(16).padStart(6, '0')}` : `pixel value ${value}`)
    ids.set(value, id ?? NONE)
  }
  return Int32Array.from(toList(mask), (value) => ids.get(value) ?? NONE)
}

/** The number of the object of each pixel. Colours that are not the devkit's come after it. */
function toNumbers(mask: VocMask, path: string): Int32Array {
  const used = new Set(toList(mask))
  if (used.size > MAX_OBJECTS)
    throw new MaskError('label-file-invalid', `${path} has ${used.size} colours; wanted is one for each object`)
  const ids = new Map<number, number>()
  for (const value of [...used].sort((a, b) => a - b)) {
    const number = mask.isColours ? (DEVKIT_NUMBERS.get(value) ?? value + 256) : value
    ids.set(value, number === 0 || number === VOID ? NONE : number)
  }
  return Int32Array.from(toList(mask), (value) => ids.get(value) ?? NONE)
}

function toList({ values }: VocMask): Int32Array | Uint8Array {
  return values instanceof Int32Array || values instanceof Uint8Array ? values : Int32Array.from(values)
}

/** The class that most pixels of each object have. */
function findMajority(numbers: Int32Array, classes: Int32Array): Map<number, number> {
  const counts = new Map<number, Map<number, number>>()
  for (let at = 0; at < numbers.length; ) {
    const [number, id, start] = [numbers[at] as number, classes[at] as number, at]
    while (at < numbers.length && numbers[at] === number && classes[at] === id) at++
    if (number === NONE || id === NONE) continue
    const own = counts.get(number) ?? new Map<number, number>()
    own.set(id, (own.get(id) ?? 0) + at - start)
    counts.set(number, own)
  }
  const majority = new Map<number, number>()
  for (const [number, own] of counts) {
    const [[id] = [NONE]] = [...own].sort(([idA, a], [idB, b]) => b - a || idA - idB)
    majority.set(number, id)
  }
  return majority
}

/** The object of the XML with this number, if it is in this place; else another one that is. */
function matchObject(
  number: number,
  classId: number,
  box: Box | undefined,
  objects: readonly (Annotation | undefined)[],
  free: ReadonlySet<number>,
): number | undefined {
  const overlapOf = (index: number) => {
    const object = objects[index]
    return object?.classId === classId && object.bbox && box && free.has(index) ? overlap(object.bbox, box) : 0
  }
  if (overlapOf(number - 1) > 0.3) return number - 1
  let best: number | undefined
  for (const index of free) if (overlapOf(index) > Math.max(0.5, best === undefined ? 0 : overlapOf(best))) best = index
  return best
}

/** Intersection over union. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0])
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1])
  const both = Math.max(0, width) * Math.max(0, height)
  return both / (a[2] * a[3] + b[2] * b[3] - both)
}

function splitParts(rle: RunLengths): RunLengths[] {
  if (rle.counts.length > MAX_RUNS) return [rle]
  return maskToParts(rle).map((part) => rasterizeRing(bridgeRings(orientParts([part])), rle.width, rle.height))
}

/** A mask with its outlines, where it has no holes, and with what the XML says. */
function toAnnotation(rle: RunLengths, classId: number, object: Annotation | undefined): Annotation {
  const { polygons: _, ...known }: Partial<Annotation> = object ?? {}
  const parts = rle.counts.length > MAX_RUNS ? [] : maskToParts(rle)
  const isPlain = parts.length > 0 && parts.every(({ holes }) => holes.length === 0)
  const bbox = known.bbox ?? rleBox(rle)
  return {
    ...known,
    kind: 'mask',
    classId,
    rle,
    area: rleArea(rle),
    ...(isPlain ? { polygons: parts.map(({ outer }) => outer) } : {}),
    ...(bbox === undefined ? {} : { bbox }),
  }
}
