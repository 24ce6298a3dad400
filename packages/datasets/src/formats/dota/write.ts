import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { splitExtension } from '../../files/split-extension.ts'
import { isValidBox } from '../../geometry/box.ts'
import { rectify } from '../../geometry/obb.ts'
import { findBox } from '../../record/find-box.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import type { LossReason } from '../../report/loss-counter.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { formatNumber } from '../../writing/format-number.ts'
import { nameClasses, toSingleLine } from '../../writing/name-classes.ts'
import { createOutputNames } from '../../writing/output-names.ts'

/** Attributes that DOTA's labels have fields for. */
const HEADERS = ['imagesource', 'gsd']

/** Writes `{split}/images`, `{split}/labelTxt` and `classes.txt`. Spaces in names of classes become hyphens, as in DOTA. */
export function createDotaWriter(context: WriteContext): DatasetWriter {
  const { target, report, options, dataset } = context
  const names = nameClasses(context, toLabel)
  const outputNames = createOutputNames()
  for (const { name, color, supercategory, keypoints } of dataset.classes)
    if (color ?? supercategory ?? keypoints) report.lose('class-details-dropped', name)

  return {
    async image(record) {
      const { split, path, annotations } = record
      const name = outputNames.next(path, split)
      const folder = split ?? ''
      const written: number[] = []
      const rows: string[] = []
      for (const annotation of annotations) {
        const row = toRow(annotation, record)
        if (row === undefined) continue
        rows.push(row)
        written.push(annotation.classId)
      }
      const file = join(target, folder, 'labelTxt', `${splitExtension(name).stem}.txt`)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, [...toHeaders(record), ...rows].map((line) => `${line}\n`).join(''))
      await copyImage(record, join(target, folder, 'images', name), context)
      report.wrote(split, written)
    },
    async finish() {
      await writeFile(join(target, 'classes.txt'), names.map((name) => `${name}\n`).join(''))
    },
  }

  function toRow(annotation: Annotation, { path }: ImageRecord): string | undefined {
    const { kind, classId, isCrowd, attributes = {}, id } = annotation
    const lose = (reason: LossReason, what = '') => report.lose(reason, `${path}${what && ': '}${what}`)
    if (isCrowd && options.crowd === 'skip') return void lose('crowd-skipped')
    const corners = toCorners(annotation, lose)
    if (corners === undefined) return undefined
    for (const [reason, value] of [
      ['polygon-dropped', annotation.polygons],
      ['mask-dropped', annotation.rle],
      ['keypoints-dropped', annotation.keypoints],
    ] as const)
      if (value !== undefined) lose(reason, kind)
    if (id !== undefined) lose('annotation-id-dropped')
    if (annotation.area !== undefined) lose('area-dropped')
    const { difficult, ...others } = attributes
    if (Object.keys(others).length > 0 || isCrowd) lose('annotation-attributes-dropped', Object.keys(others).join(', '))
    const numbers = corners.map((value) => formatNumber(value, options.decimals)).join(' ')
    return `${numbers} ${names[classId] ?? ''} ${difficult === true ? 1 : difficult === '2' ? 2 : 0}`
  }

  function toCorners(annotation: Annotation, lose: (reason: LossReason, what?: string) => void): number[] | undefined {
    if (annotation.obb !== undefined) {
      const fitted = rectify(annotation.obb)
      if (fitted === undefined) return void lose('annotation-invalid', 'corners on one line')
      if (fitted.isRefitted) lose('obb-refitted')
      return fitted.isRefitted ? fitted.corners : annotation.obb
    }
    const box = findBox(annotation)
    if (box === undefined) return void lose('annotation-kind-not-supported', `${annotation.kind} has no box`)
    if (!isValidBox(box)) return void lose('annotation-invalid', JSON.stringify(box))
    const [x, y, width, height] = box
    if (width * height < options.minAreaPx) return void lose('annotation-too-small', JSON.stringify(box))
    if (annotation.bbox === undefined) lose('box-derived')
    return [x, y, x + width, y, x + width, y + height, x, y + height]
  }

  function toHeaders({ attributes = {}, path }: ImageRecord): string[] {
    const lines = HEADERS.flatMap((name) => {
      const value = attributes[name]
      const isPlain = typeof value === 'number' || (typeof value === 'string' && !/[\r\n]/.test(value))
      return isPlain ? [`${name}:${value}`] : []
    })
    if (Object.keys(attributes).length > lines.length) report.lose('image-attributes-dropped', path)
    return lines
  }
}

/** A class is one word. A name that begins like a header of the file, or like a comment, could not be read back. */
function toLabel(name: string): string {
  return toSingleLine(name).replace(/[\s,]+/g, '-')
}
