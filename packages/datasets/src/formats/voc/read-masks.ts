import { posix } from 'node:path'
import { MaskError } from '../../errors.ts'
import { type Box, boxOverlap } from '../../geometry/box.ts'
import { rleBox } from '../../geometry/rle.ts'
import { masksOfValues } from '../../geometry/value-masks.ts'
import { splitMask, toMaskObject } from '../../record/mask-object.ts'
import type { Annotation } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { DEVKIT_NUMBERS, devkitColour, VOID } from './colour-map.ts'
import type { VocLabels } from './labels.ts'
import { loadMask, type VocMask } from './load-mask.ts'

/** The masks of an image, and the path of its XML file, which need not exist. */
export interface MaskPaths {
  xml: string
  classes?: string | undefined
  objects?: string | undefined
}

const MASK_PATH = /^(?:(.*)\/)?Segmentation(Class|Object)(?:PNG)?\/(.+)\.png$/i
/** Neither class nor object: background, and the border around objects. */
const NONE = -1
/** An image with more colours is a photograph. */
const MAX_OBJECTS = 10_000

/** The masks of each image, by the key of the image: its path in the devkit without the suffix. */
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
  /** Size of the image, where it is known. */
  size: { width: number; height: number } | undefined
  /** The objects of the XML in order; undefined for each that cannot be used. */
  objects: readonly (Annotation | undefined)[]
  losses: LossCounter
}

/**
 * The objects in the masks of an image. The number of a pixel in `SegmentationObject` is the position of the object in the
 * XML, starting at 1; the attributes in the XML are kept. Without that mask, each connected part of a class is an object.
 * Throws `MaskError`.
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
      const object = index === undefined ? undefined : objects[index]
      found.push({ ...object, classId, ...toMaskObject(rle, object?.bbox) })
    }
  }
  if (classes !== undefined) {
    // Pixels of a class that belong to no object.
    const rest = numbers === undefined ? classes : classes.map((id, at) => (numbers[at] === NONE ? id : NONE))
    for (const [classId, rle] of [...masksOfValues({ width, height, values: rest }, NONE)].sort(([a], [b]) => a - b))
      found.push(...splitMask(rle).map((part) => ({ classId, ...toMaskObject(part) })))
  }
  return { width, height, annotations: [...found, ...[...free].flatMap((index) => objects[index] ?? [])] }

  function lose(path = '', what: string): void {
    losses.add('annotation-of-unknown-class', `${path}: ${what}`)
  }
}

/** The class of each pixel; -1 for none. */
export function toClasses(mask: VocMask, labels: VocLabels, lose: (what: string) => void): Int32Array {
  const used = new Set(toList(mask))
  const colourOf = (value: number) =>
    mask.isColours
      ? value
      : ((mask.palette?.[value * 3] ?? 0) << 16) |
        ((mask.palette?.[value * 3 + 1] ?? 0) << 8) |
        (mask.palette?.[value * 3 + 2] ?? 0)
  const isNone = (colour: number) => colour === 0 || colour === devkitColour(VOID)
  // Colours decide where the palette is the one of the list: its numbers can differ.
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

/** The number of the object of each pixel. Colours that are not the devkit's get numbers above 255. */
function toNumbers(mask: VocMask, path: string): Int32Array {
  const used = new Set(toList(mask))
  if (used.size > MAX_OBJECTS)
    throw new MaskError('label-file-invalid', `${path} has ${used.size} colours; expected one for each object`)
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

/** The object of the XML with this number if its box matches, otherwise another one whose box matches. */
function matchObject(
  number: number,
  classId: number,
  box: Box | undefined,
  objects: readonly (Annotation | undefined)[],
  free: ReadonlySet<number>,
): number | undefined {
  const overlapOf = (index: number) => {
    const object = objects[index]
    return object?.classId === classId && object.bbox && box && free.has(index) ? boxOverlap(object.bbox, box) : 0
  }
  if (overlapOf(number - 1) > 0.3) return number - 1
  let best: number | undefined
  for (const index of free) if (overlapOf(index) > Math.max(0.5, best === undefined ? 0 : overlapOf(best))) best = index
  return best
}
