import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { splitExtension } from '../../files/split-extension.ts'
import { findRecordSize } from '../../record/find-record-size.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { nameClasses, toSingleLine } from '../../writing/name-classes.ts'
import { createOutputNames } from '../../writing/output-names.ts'
import { createShapeWriter, type WrittenShape } from './write-shapes.ts'

/** A JSON file beside each image, in a folder per split, and `labels.txt` for the order of the classes. */
export function createLabelmeWriter(context: WriteContext): DatasetWriter {
  const { target, report, options, dataset } = context
  const names = nameClasses(context, toSingleLine)
  const outputNames = createOutputNames()
  const isClassification = options.task === 'classification'
  const keypointNames = dataset.classes.map(({ keypoints }) => [...(keypoints ?? [])])
  const toShapes = createShapeWriter(context, names, keypointNames)

  return {
    async image(record) {
      const path = [
        ...(record.split === undefined ? [] : [record.split]),
        outputNames.next(record.path, record.split),
      ].join('/')
      const size = findRecordSize(record)
      if (size === undefined) report.lose('image-size-unknown', record.path)
      const shapes: WrittenShape[] = []
      const classIds: number[] = []
      const flags: Record<string, unknown> = readFlags(record)
      if (isClassification) for (const name of names) flags[name] = false
      for (const annotation of record.annotations) {
        if (annotation.isCrowd && options.crowd === 'skip') {
          report.lose('crowd-skipped', record.path)
          continue
        }
        if (isClassification) setFlag(annotation, record, flags)
        else {
          const written = toShapes(annotation, record, shapes)
          if (written.length === 0) continue
          shapes.push(...written)
        }
        classIds.push(annotation.classId)
      }
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
      await copyImage(record, join(target, path), context)
      report.wrote(record.split, classIds)
    },
    async finish() {
      await writeFile(join(target, 'labels.txt'), names.map((name) => `${name}\n`).join(''))
      const keypoints = dataset.classes.flatMap(({ id, skeleton }) => {
        const keypoints = keypointNames[id] ?? []
        return keypoints.length === 0
          ? []
          : [[names[id] ?? '', { keypoints, ...(skeleton ? { skeleton } : {}) }] as const]
      })
      if (options.task === 'pose' && keypoints.length > 0)
        await writeFile(join(target, 'keypoints.json'), `${JSON.stringify(Object.fromEntries(keypoints), null, 2)}\n`)
      for (const { name, color, supercategory } of dataset.classes)
        if (color ?? supercategory) report.lose('class-details-dropped', name)
    },
  }

  function setFlag({ classId, kind, id }: Annotation, record: ImageRecord, flags: Record<string, unknown>): void {
    flags[names[classId] ?? ''] = true
    if (kind !== 'class') report.lose('box-dropped', record.path)
    if (id !== undefined) report.lose('annotation-id-dropped', record.path)
  }

  /** The flags of the image that LabelMe itself gave; everything else of its attributes has no place here. */
  function readFlags({ attributes = {}, path }: ImageRecord): Record<string, unknown> {
    const { flags, ...others } = attributes
    const isFlags =
      typeof flags === 'object' && flags !== null && Object.values(flags).every((value) => typeof value === 'boolean')
    if (Object.keys(others).length > 0 || (flags !== undefined && !isFlags))
      report.lose('image-attributes-dropped', path)
    return isFlags ? { ...flags } : {}
  }
}
