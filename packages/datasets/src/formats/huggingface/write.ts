import { createWriteStream, type WriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { finished } from 'node:stream/promises'
import { isValidBox } from '../../geometry/box.ts'
import { maskToParts } from '../../geometry/mask-parts.ts'
import { bridgeRings, orientParts } from '../../geometry/polygon.ts'
import { findBox } from '../../record/find-box.ts'
import { findRecordSize } from '../../record/find-record-size.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import type { LossReason } from '../../report/loss-counter.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { roundTo } from '../../writing/format-number.ts'
import { nameClasses, toSingleLine } from '../../writing/name-classes.ts'
import { createOutputNames } from '../../writing/output-names.ts'

interface WrittenObject {
  id: string | number | null
  bbox: number[]
  category: string
  area: number | null
  iscrowd: number
  segmentation?: number[][]
}

/** Names of splits as `datasets` expects them. */
const FOLDERS = { train: 'train', val: 'validation', test: 'test' } as const

/**
 * Writes `{split}/metadata.jsonl` with a row for each image, in the columns of Hugging Face's examples: `objects` with boxes
 * as in COCO and the names of classes, or a `label`. `classes.txt` has the order of the classes.
 */
export function createHuggingFaceWriter(context: WriteContext): DatasetWriter {
  return new HuggingFaceWriter(context)
}

class HuggingFaceWriter implements DatasetWriter {
  readonly #context: WriteContext
  readonly #names: string[]
  readonly #outputNames = createOutputNames()
  readonly #files = new Map<string, WriteStream>()

  constructor(context: WriteContext) {
    this.#context = context
    this.#names = nameClasses(context, toSingleLine)
    for (const { name, color, supercategory, keypoints } of context.dataset.classes)
      if (color ?? supercategory ?? keypoints) context.report.lose('class-details-dropped', name)
  }

  async image(record: ImageRecord): Promise<void> {
    const { target, report, options } = this.#context
    const folder = record.split === undefined ? '' : FOLDERS[record.split]
    const name = this.#outputNames.next(record.path, folder)
    const size = findRecordSize(record)
    if (size === undefined) report.lose('image-size-unknown', record.path)
    if (record.attributes !== undefined) report.lose('image-attributes-dropped', record.path)
    const row = { file_name: name, width: size?.width ?? null, height: size?.height ?? null }
    if (options.task === 'classification') {
      const classId = this.#chooseClass(record)
      await this.#write(folder, { ...row, label: classId === undefined ? null : (this.#names[classId] ?? null) })
      report.wrote(record.split, classId === undefined ? [] : [classId])
    } else {
      const written = record.annotations.flatMap((annotation) => {
        const object = this.#toObject(annotation, record)
        return object === undefined ? [] : [{ object, classId: annotation.classId }]
      })
      await this.#write(folder, { ...row, objects: this.#toColumns(written.map(({ object }) => object)) })
      report.wrote(
        record.split,
        written.map(({ classId }) => classId),
      )
    }
    await copyImage(record, join(target, folder, name), this.#context)
  }

  async finish(): Promise<void> {
    for (const file of this.#files.values()) {
      file.end()
      await finished(file)
    }
    await writeFile(join(this.#context.target, 'classes.txt'), this.#names.map((name) => `${name}\n`).join(''))
  }

  abort(): void {
    for (const file of this.#files.values()) file.destroy()
  }

  async #write(folder: string, row: Record<string, unknown>): Promise<void> {
    let file = this.#files.get(folder)
    if (file === undefined) {
      await mkdir(join(this.#context.target, folder), { recursive: true })
      file = createWriteStream(join(this.#context.target, posix.join(folder, 'metadata.jsonl')))
      this.#files.set(folder, file)
    }
    const stream = file
    if (!stream.write(`${JSON.stringify(row)}\n`))
      await new Promise<void>((resolve, reject) => {
        stream.once('drain', resolve)
        stream.once('error', reject)
      })
  }

  /** One column for each member. A segmentation is a column of the task alone. */
  #toColumns(objects: readonly WrittenObject[]): Record<string, unknown[]> {
    const columns: Record<string, unknown[]> = {
      id: objects.map(({ id }) => id),
      bbox: objects.map(({ bbox }) => bbox),
      category: objects.map(({ category }) => category),
      area: objects.map(({ area }) => area),
      iscrowd: objects.map(({ iscrowd }) => iscrowd),
    }
    if (this.#context.options.task === 'segmentation')
      columns.segmentation = objects.map(({ segmentation = [] }) => segmentation)
    return columns
  }

  #chooseClass({ annotations, path }: ImageRecord): number | undefined {
    const { report } = this.#context
    const [first] = annotations
    if (first === undefined) report.lose('image-unlabelled', path)
    for (const { classId, kind, id, attributes } of annotations) {
      if (kind !== 'class') report.lose('box-dropped', `${path}: ${kind}`)
      if (id !== undefined) report.lose('annotation-id-dropped', path)
      if (attributes !== undefined) report.lose('annotation-attributes-dropped', path)
      if (classId !== first?.classId) report.lose('extra-label-dropped', `${path}: ${this.#names[classId]}`)
    }
    const repeated = annotations.filter(({ classId }) => classId === first?.classId).length - 1
    report.lose('annotation-duplicate', path, repeated)
    return first?.classId
  }

  #toObject(annotation: Annotation, { path }: ImageRecord): WrittenObject | undefined {
    const { report, options } = this.#context
    const { classId, kind, id, area, isCrowd, attributes, keypoints, obb } = annotation
    const lose = (reason: LossReason, what: string = kind) => report.lose(reason, `${path}: ${what}`)
    if (isCrowd && options.crowd === 'skip') return void lose('crowd-skipped')
    const box = findBox(annotation)
    if (box === undefined) return void lose('annotation-kind-not-supported', `${kind} has no box`)
    if (!isValidBox(box)) return void lose('annotation-invalid', JSON.stringify(box))
    if (box[2] * box[3] < options.minAreaPx) return void lose('annotation-too-small', JSON.stringify(box))
    if (annotation.bbox === undefined) lose('box-derived')
    if (keypoints !== undefined) lose('keypoints-dropped')
    if (obb !== undefined) lose('rotation-dropped')
    if (attributes !== undefined) lose('annotation-attributes-dropped', Object.keys(attributes).join(', '))
    const round = (value: number) => roundTo(value, options.decimals)
    const object = {
      id: id ?? null,
      bbox: box.map(round),
      category: this.#names[classId] ?? '',
      area: area ?? null,
      iscrowd: isCrowd ? 1 : 0,
    }
    if (options.task !== 'segmentation') {
      if (annotation.polygons !== undefined) lose('polygon-dropped')
      if (annotation.rle !== undefined) lose('mask-dropped')
      return object
    }
    return { ...object, segmentation: this.#toRings(annotation, lose).map((ring) => ring.map(round)) }
  }

  #toRings({ polygons, rle }: Annotation, lose: (reason: LossReason, what?: string) => void): number[][] {
    if (polygons !== undefined) {
      if (rle !== undefined) lose('mask-dropped')
      return polygons
    }
    if (rle === undefined) return []
    lose('polygon-from-mask')
    return maskToParts(rle).map((part) => bridgeRings(orientParts([part])))
  }
}
