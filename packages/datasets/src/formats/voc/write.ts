import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { splitExtension } from '../../files/split-extension.ts'
import { clipBox, isValidBox } from '../../geometry/box.ts'
import { findBox } from '../../record/find-box.ts'
import { findRecordSize } from '../../record/find-record-size.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import type { LossReason } from '../../report/loss-counter.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { nameClasses, toSingleLine } from '../../writing/name-classes.ts'
import { createOutputNames } from '../../writing/output-names.ts'
import { writeXml, type XmlNode } from '../../xml/write-xml.ts'
import { toVocObject } from './object.ts'
import { MAX_MASK_PIXELS, MAX_NUMBERS, paintMasks, toLabelMap, toObjectMask, writeMasks } from './write-masks.ts'

interface Size {
  width: number
  height: number
}

interface WrittenObject {
  annotation: Annotation
  node: XmlNode
}

/**
 * Writes the folders of the devkit: `Annotations`, `JPEGImages`, `ImageSets/Main`, and `classes.txt` for the order of the
 * classes, with `labelmap.txt` for Datumaro. For segmentation also `SegmentationClass`, `SegmentationObject` and
 * `ImageSets/Segmentation`, and no `classes.txt`.
 */
export function createVocWriter(context: WriteContext): DatasetWriter {
  return new VocWriter(context)
}

class VocWriter implements DatasetWriter {
  readonly #context: WriteContext
  readonly #isMasked: boolean
  readonly #names: string[]
  readonly #outputNames = createOutputNames()
  readonly #lists: Record<SplitName | 'default', string[]> = { train: [], val: [], test: [], default: [] }

  constructor(context: WriteContext) {
    const { options, dataset } = context
    this.#context = context
    this.#isMasked = options.task === 'segmentation'
    if (this.#isMasked && dataset.classes.length > MAX_NUMBERS) {
      const count = dataset.classes.length
      throw new DatasetError(`The dataset has ${count} classes; masks of Pascal VOC hold at most ${MAX_NUMBERS}`)
    }
    this.#names = nameClasses(context, this.#isMasked ? toLabelName : toSingleLine)
  }

  async image(record: ImageRecord): Promise<void> {
    const { target, report } = this.#context
    const path = this.#outputNames.next(record.path)
    const { stem } = splitExtension(path)
    const size = findRecordSize(record)
    if (size === undefined) report.lose('image-size-unknown', record.path)
    if (record.attributes !== undefined) report.lose('image-attributes-dropped', record.path)
    const objects = record.annotations.flatMap((annotation): WrittenObject[] => {
      const node = this.#toNode(annotation, record, size)
      return node === undefined ? [] : [{ annotation, node }]
    })
    const isPainted = this.#isMasked && size !== undefined && size.width * size.height <= MAX_MASK_PIXELS
    if (this.#isMasked && !isPainted) report.lose('mask-dropped', `${record.path}: its size is unknown or too large`)
    const written = isPainted ? await this.#addMasks(objects, record, stem, size) : objects
    const nodes = written.map(({ node }) => node)
    const file = join(target, 'Annotations', `${stem}.xml`)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, writeXml(toDocument(path, size, isPainted, nodes)))
    await copyImage(record, join(target, 'JPEGImages', path), this.#context)
    this.#lists[record.split ?? 'default'].push(stem)
    const classIds = written.map(({ annotation }) => annotation.classId)
    report.wrote(record.split, classIds)
  }

  async finish(): Promise<void> {
    const { target, dataset, report } = this.#context
    for (const set of this.#isMasked ? ['Main', 'Segmentation'] : ['Main']) {
      for (const [split, stems] of Object.entries(this.#lists)) {
        // Loaders of masks read the images in lists only, so they need a list of images without a split too.
        if (stems.length === 0 || (split === 'default' && set === 'Main')) continue
        await mkdir(join(target, 'ImageSets', set), { recursive: true })
        await writeFile(join(target, 'ImageSets', set, `${split}.txt`), toLines(stems))
      }
    }
    if (this.#isMasked) await writeFile(join(target, 'labelmap.txt'), toLabelMap(this.#names))
    else await writeFile(join(target, 'classes.txt'), toLines(this.#names))
    // Datumaro refuses boxes without it. A name with a colon, or of the background, would be another one there.
    if (!this.#isMasked && this.#names.every((name) => toLabelName(name) === name))
      await writeFile(join(target, 'labelmap.txt'), toLabelMap(this.#names))
    for (const { name, color, supercategory, keypoints } of dataset.classes)
      if (color ?? supercategory ?? keypoints) report.lose('class-details-dropped', name)
  }

  /** Writes the masks of an image. Returns the objects that have a number in them, in the order of the numbers. */
  async #addMasks(
    objects: readonly WrittenObject[],
    record: ImageRecord,
    stem: string,
    size: Size,
  ): Promise<WrittenObject[]> {
    const { target, report } = this.#context
    const lose = (reason: LossReason, what: string) => report.lose(reason, `${record.path}: ${what}`)
    const shown = objects.flatMap((object) => {
      const rle = toObjectMask(object.annotation, size, lose)
      return rle === undefined ? [] : [{ ...object, rle }]
    })
    const masks = shown.map(({ rle, annotation: { classId, area } }) => ({ rle, classId, area }))
    const painted = paintMasks(masks, size, lose)
    await writeMasks(target, stem, size, painted)
    return shown.filter((_, index) => painted.isNumbered[index])
  }

  /** Undefined, and counted, when the annotation cannot be written. */
  #toNode(annotation: Annotation, { path }: ImageRecord, size: Size | undefined): XmlNode | undefined {
    const { options, report } = this.#context
    const lose = (reason: LossReason, what = '') => report.lose(reason, `${path}${what && ': '}${what}`)
    const drop = (reason: LossReason, what?: string): undefined => {
      lose(reason, what)
      return undefined
    }
    if (annotation.isCrowd && options.crowd === 'skip') return drop('crowd-skipped')
    const box = findBox(annotation)
    if (box === undefined) return drop('annotation-kind-not-supported', `${annotation.kind} has no box`)
    if (!isValidBox(box)) return drop('annotation-invalid', JSON.stringify(box))
    const clipped = size === undefined ? box : clipBox(box, size.width, size.height)
    if (clipped === undefined) return drop('annotation-outside-image', JSON.stringify(box))
    if (clipped[2] * clipped[3] < options.minAreaPx) return drop('annotation-too-small', JSON.stringify(box))
    // A move by less is a rounding error of the tool that wrote the numbers.
    if (clipped.some((value, index) => Math.abs(value - (box[index] ?? 0)) > 1e-6))
      lose('box-clipped', JSON.stringify(box))
    countDropped(annotation, this.#isMasked, lose)
    const { node, lost } = toVocObject(annotation, this.#names[annotation.classId] ?? '', clipped, {
      oneBased: options.vocOneBased,
      decimals: options.decimals,
    })
    if (lost.length > 0) lose('annotation-attributes-dropped', lost.join(', '))
    return node
  }
}

const toLines = (names: readonly string[]): string => names.map((name) => `${name}\n`).join('')

/** Counts what neither a box nor the mask beside it can hold. */
function countDropped(annotation: Annotation, isMasked: boolean, lose: (reason: LossReason) => void): void {
  if (annotation.bbox === undefined) lose('box-derived')
  if (annotation.obb !== undefined) lose('rotation-dropped')
  if (annotation.polygons !== undefined && !isMasked) lose('polygon-dropped')
  if (annotation.rle !== undefined && !isMasked) lose('mask-dropped')
  if (annotation.keypoints !== undefined) lose('keypoints-dropped')
  if (annotation.area !== undefined && !isMasked) lose('area-dropped')
  if (annotation.id !== undefined) lose('annotation-id-dropped')
}

/** In `labelmap.txt` a colon ends a name, and the first class is the background. */
function toLabelName(name: string): string {
  const safe = toSingleLine(name).replaceAll(':', '_')
  return /^(?:_*background_*|ignored)$/i.test(safe) ? `class_${safe}` : safe
}

function toDocument(path: string, size: Size | undefined, isSegmented: boolean, objects: readonly XmlNode[]): XmlNode {
  const sides: XmlNode[] = [
    ['width', size?.width ?? 0],
    ['height', size?.height ?? 0],
    // Loaders require it and do not use it.
    ['depth', 3],
  ]
  return [
    'annotation',
    [
      ['folder', 'JPEGImages'],
      ['filename', path],
      ['source', [['database', 'Unknown']]],
      ['size', sides],
      ['segmented', isSegmented ? 1 : 0],
      ...objects,
    ],
  ]
}
