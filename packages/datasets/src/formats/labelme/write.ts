import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { splitExtension } from '../../files/split-extension.ts'
import { findRecordSize } from '../../record/find-record-size.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { nameClasses, toSingleLine } from '../../writing/name-classes.ts'
import { createOutputNames } from '../../writing/output-names.ts'
import { ShapeWriter, type WrittenShape } from './write-shapes.ts'

/** Writes a JSON file beside each image, a folder for each split, and `labels.txt` for the order of the classes. */
export function createLabelmeWriter(context: WriteContext): DatasetWriter {
  return new LabelMeWriter(context)
}

class LabelMeWriter implements DatasetWriter {
  readonly #context: WriteContext
  readonly #names: string[]
  readonly #outputNames = createOutputNames()
  readonly #keypointNames: string[][]
  readonly #shapes: ShapeWriter

  constructor(context: WriteContext) {
    this.#context = context
    this.#names = nameClasses(context, toSingleLine)
    this.#keypointNames = context.dataset.classes.map(({ keypoints = [] }) => [...keypoints])
    this.#shapes = new ShapeWriter(context, this.#names, this.#keypointNames)
  }

  async image(record: ImageRecord): Promise<void> {
    const { target, report } = this.#context
    const name = this.#outputNames.next(record.path, record.split)
    const path = record.split === undefined ? name : `${record.split}/${name}`
    const size = findRecordSize(record)
    if (size === undefined) report.lose('image-size-unknown', record.path)
    const { flags, shapes, classIds } = this.#toLabels(record)
    const document = {
      version: '5.5.0',
      flags,
      shapes,
      imagePath: basename(path),
      imageData: null,
      imageHeight: size?.height ?? 0,
      imageWidth: size?.width ?? 0,
    }
    const file = join(target, `${splitExtension(path).stem}.json`)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, `${JSON.stringify(document, null, 2)}\n`)
    await copyImage(record, join(target, path), this.#context)
    report.wrote(record.split, classIds)
  }

  async finish(): Promise<void> {
    const { target, options, report, dataset } = this.#context
    await writeFile(join(target, 'labels.txt'), this.#names.map((name) => `${name}\n`).join(''))
    const keypoints = dataset.classes.flatMap(({ id, skeleton }) => {
      const names = this.#keypointNames[id] ?? []
      return names.length === 0 ? [] : [[this.#names[id] ?? '', { keypoints: names, skeleton }] as const]
    })
    if (options.task === 'pose' && keypoints.length > 0)
      await writeFile(join(target, 'keypoints.json'), `${JSON.stringify(Object.fromEntries(keypoints), null, 2)}\n`)
    for (const { name, color, supercategory } of dataset.classes)
      if (color ?? supercategory) report.lose('class-details-dropped', name)
  }

  #toLabels(record: ImageRecord): { flags: Record<string, unknown>; shapes: WrittenShape[]; classIds: number[] } {
    const { options, report } = this.#context
    const isClassification = options.task === 'classification'
    const flags = this.#readFlags(record)
    const shapes: WrittenShape[] = []
    const classIds: number[] = []
    if (isClassification) for (const name of this.#names) flags[name] = false
    for (const annotation of record.annotations) {
      if (annotation.isCrowd && options.crowd === 'skip') {
        report.lose('crowd-skipped', record.path)
        continue
      }
      if (isClassification) this.#setFlag(annotation, record, flags)
      else {
        const written = this.#shapes.toShapes(annotation, record, shapes)
        if (written.length === 0) continue
        shapes.push(...written)
      }
      classIds.push(annotation.classId)
    }
    return { flags, shapes, classIds }
  }

  #setFlag({ classId, kind, id }: Annotation, { path }: ImageRecord, flags: Record<string, unknown>): void {
    const { report } = this.#context
    flags[this.#names[classId] ?? ''] = true
    if (kind !== 'class') report.lose('box-dropped', path)
    if (id !== undefined) report.lose('annotation-id-dropped', path)
  }

  /** The flags that a LabelMe file gave to the image. Other attributes of an image are dropped and counted. */
  #readFlags({ attributes = {}, path }: ImageRecord): Record<string, unknown> {
    const { flags, ...others } = attributes
    const isFlags =
      typeof flags === 'object' && flags !== null && Object.values(flags).every((value) => typeof value === 'boolean')
    if (Object.keys(others).length > 0 || (flags !== undefined && !isFlags))
      this.#context.report.lose('image-attributes-dropped', path)
    return isFlags ? { ...flags } : {}
  }
}
