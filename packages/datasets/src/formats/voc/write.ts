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

type Size = { width: number; height: number } | undefined

/**
 * The devkit's folders: `Annotations`, `JPEGImages`, `ImageSets/Main`, and `classes.txt` for the order of the classes. For
 * segmentation also `SegmentationClass`, `SegmentationObject` and `ImageSets/Segmentation`, with `labelmap.txt` instead.
 */
export function createVocWriter(context: WriteContext): DatasetWriter {
  const { target, report, options, dataset } = context
  const isMasked = options.task === 'segmentation'
  if (isMasked && dataset.classes.length > MAX_NUMBERS)
    throw new DatasetError(`${dataset.classes.length} classes; the masks of Pascal VOC number ${MAX_NUMBERS}`)
  const names = nameClasses(context, isMasked ? toLabelName : toSingleLine)
  const outputNames = createOutputNames()
  const lists: Record<SplitName | 'default', string[]> = { train: [], val: [], test: [], default: [] }

  return {
    async image(record) {
      const path = outputNames.next(record.path)
      const { stem } = splitExtension(path)
      const size = findRecordSize(record)
      if (size === undefined) report.lose('image-size-unknown', record.path)
      if (record.attributes !== undefined) report.lose('image-attributes-dropped', record.path)
      const objects = record.annotations.flatMap((annotation) => {
        const node = toNode(annotation, record, size)
        return node === undefined ? [] : [{ annotation, node }]
      })
      const isPainted = isMasked && size !== undefined && size.width * size.height <= MAX_MASK_PIXELS
      const written = isPainted ? await addMasks(objects, record, stem, size) : objects
      if (isMasked && !isPainted) report.lose('mask-dropped', `${record.path}: no size, or one too large`)
      const file = join(target, 'Annotations', `${stem}.xml`)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(
        file,
        writeXml(
          toDocument(
            path,
            size,
            isPainted,
            written.map(({ node }) => node),
          ),
        ),
      )
      await copyImage(record, join(target, 'JPEGImages', path), context)
      lists[record.split ?? 'default'].push(stem)
      report.wrote(
        record.split,
        written.map(({ annotation }) => annotation.classId),
      )
    },
    async finish() {
      for (const set of isMasked ? ['Main', 'Segmentation'] : ['Main']) {
        for (const [split, stems] of Object.entries(lists)) {
          // Loaders of masks go by lists alone.
          if (stems.length === 0 || (split === 'default' && set === 'Main')) continue
          await mkdir(join(target, 'ImageSets', set), { recursive: true })
          await writeFile(join(target, 'ImageSets', set, `${split}.txt`), stems.map((stem) => `${stem}\n`).join(''))
        }
      }
      if (isMasked) await writeFile(join(target, 'labelmap.txt'), toLabelMap(names))
      else await writeFile(join(target, 'classes.txt'), names.map((name) => `${name}\n`).join(''))
      for (const { name, color, supercategory, keypoints } of dataset.classes)
        if (color ?? supercategory ?? keypoints) report.lose('class-details-dropped', name)
    },
  }

  /** Writes the masks; gives back the objects that have a number in them, in its order. */
  async function addMasks(
    objects: readonly { annotation: Annotation; node: XmlNode }[],
    record: ImageRecord,
    stem: string,
    size: { width: number; height: number },
  ) {
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

  function toNode(annotation: Annotation, record: ImageRecord, size: Size): XmlNode | undefined {
    const lose = (reason: LossReason, what = '') => report.lose(reason, `${record.path}${what && ': '}${what}`)
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
    // A hair beyond the edge is a rounding error of whoever wrote it.
    if (clipped.some((value, index) => Math.abs(value - (box[index] ?? 0)) > 1e-6))
      lose('box-clipped', JSON.stringify(box))
    countDropped(annotation, isMasked, lose)
    const { node, lost } = toVocObject(annotation, names[annotation.classId] ?? '', clipped, {
      oneBased: options.vocOneBased,
      decimals: options.decimals,
    })
    if (lost.length > 0) lose('annotation-attributes-dropped', lost.join(', '))
    return node
  }
}

/** Everything that a box leaves behind, and a mask beside it does not keep. */
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

function toDocument(path: string, size: Size, isSegmented: boolean, objects: readonly XmlNode[]): XmlNode {
  return [
    'annotation',
    [
      ['folder', 'JPEGImages'],
      ['filename', path],
      ['source', [['database', 'Unknown']]],
      [
        'size',
        [
          ['width', size?.width ?? 0],
          ['height', size?.height ?? 0],
          // Loaders want it and none looks at it; the pixels know better.
          ['depth', 3],
        ],
      ],
      ['segmented', isSegmented ? 1 : 0],
      ...objects,
    ],
  ]
}
