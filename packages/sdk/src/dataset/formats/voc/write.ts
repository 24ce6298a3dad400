import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SplitName } from '../../../contract/index.ts'
import { findBox } from '../../annotation-box.ts'
import { nameClasses, toSingleLine } from '../../class-names.ts'
import type { DatasetWriter, WriteContext } from '../../convert-options.ts'
import { copyImage } from '../../copy-image.ts'
import { clipBox, isValidBox } from '../../geometry/box.ts'
import { createOutputNames, splitExtension } from '../../output-names.ts'
import type { Annotation, ImageRecord } from '../../record.ts'
import { findRecordSize } from '../../record-size.ts'
import type { LossReason } from '../../report.ts'
import { writeXml, type XmlNode } from '../../xml/write-xml.ts'
import { toVocObject } from './object.ts'

type Size = { width: number; height: number } | undefined

/** The devkit's folders: `Annotations`, `JPEGImages`, `ImageSets/Main`, and `classes.txt` for the order of the classes. */
export function createVocWriter(context: WriteContext): DatasetWriter {
  const { target, report, options, dataset } = context
  const names = nameClasses(context, toSingleLine)
  const outputNames = createOutputNames()
  const lists: Record<SplitName, string[]> = { train: [], val: [], test: [] }

  return {
    async image(record) {
      const path = outputNames.next(record.path)
      const { stem } = splitExtension(path)
      const size = findRecordSize(record)
      if (size === undefined) report.lose('image-size-unknown', record.path)
      if (record.attributes !== undefined) report.lose('image-attributes-dropped', record.path)
      const objects: XmlNode[] = []
      const classIds: number[] = []
      for (const annotation of record.annotations) {
        const node = toNode(annotation, record, size)
        if (node === undefined) continue
        objects.push(node)
        classIds.push(annotation.classId)
      }
      const file = join(target, 'Annotations', `${stem}.xml`)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, writeXml(toDocument(path, size, objects)))
      await copyImage(record, join(target, 'JPEGImages', path), context)
      if (record.split !== undefined) lists[record.split].push(stem)
      report.wrote(record.split, classIds)
    },
    async finish() {
      const folder = join(target, 'ImageSets', 'Main')
      for (const [split, stems] of Object.entries(lists)) {
        if (stems.length === 0) continue
        await mkdir(folder, { recursive: true })
        await writeFile(join(folder, `${split}.txt`), stems.map((stem) => `${stem}\n`).join(''))
      }
      await writeFile(join(target, 'classes.txt'), names.map((name) => `${name}\n`).join(''))
      for (const { name, color, supercategory, keypoints } of dataset.classes)
        if (color ?? supercategory ?? keypoints) report.lose('class-details-dropped', name)
    },
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
    countDropped(annotation, lose)
    const { node, lost } = toVocObject(annotation, names[annotation.classId] ?? '', clipped, {
      oneBased: options.vocOneBased,
      decimals: options.decimals,
    })
    if (lost.length > 0) lose('annotation-attributes-dropped', lost.join(', '))
    return node
  }
}

/** Everything that a box leaves behind. */
function countDropped(annotation: Annotation, lose: (reason: LossReason) => void): void {
  if (annotation.bbox === undefined) lose('box-derived')
  if (annotation.obb !== undefined) lose('rotation-dropped')
  if (annotation.polygons !== undefined) lose('polygon-dropped')
  if (annotation.rle !== undefined) lose('mask-dropped')
  if (annotation.keypoints !== undefined) lose('keypoints-dropped')
  if (annotation.area !== undefined) lose('area-dropped')
  if (annotation.id !== undefined) lose('annotation-id-dropped')
}

function toDocument(path: string, size: Size, objects: readonly XmlNode[]): XmlNode {
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
      ['segmented', 0],
      ...objects,
    ],
  ]
}
