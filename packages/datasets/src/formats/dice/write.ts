import { join } from 'node:path'
import { DICE_TASKS, type TaskType } from '@trainyard/contract'
import { TextFile } from '../../json/text-file.ts'
import { findBox } from '../../record/find-box.ts'
import type { Annotation, DatasetClassInfo, ImageRecord } from '../../record/record.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { keepsGeometry } from '../../writing/keeps-geometry.ts'
import { createKeptNames } from '../../writing/kept-names.ts'
import { nestAttributes, withoutKeys } from '../../writing/merge-attributes.ts'

const FILE_NAMES: Readonly<Record<TaskType, string>> = {
  detection: 'annotations_detection.json',
  segmentation: 'annotations_segmentation.json',
  pose: 'annotations_pose.json',
  classification: 'annotations_classification.json',
  obb: 'annotations.json',
}
const HEAD_MEMBERS = ['classes', 'images', 'annotations', 'categories', 'statistics', 'dataset_name', 'format_version']
const IMAGE_MEMBERS = ['id', 'file_name', 'width', 'height', 'split', 'annotations', 'is_background']
const GEOMETRY_MEMBERS = ['bbox', 'bbox_format', 'area', 'iscrowd', 'segmentation', 'keypoints']
const ANNOTATION_MEMBERS = ['id', 'image_id', 'class_id', 'class_name', 'is_background', ...GEOMETRY_MEMBERS]

/**
 * Writes one nested `annotations_{task}.json` with one image a line, and the images under their paths in the source.
 * Attributes are kept. `statistics` comes last, so that memory does not grow with the dataset.
 */
export function createDiceWriter(context: WriteContext): DatasetWriter {
  return new DiceWriter(context)
}

class DiceWriter implements DatasetWriter {
  readonly #context: WriteContext
  readonly #file: TextFile
  readonly #nameOf: (path: string) => string
  readonly #isFromDice: boolean
  readonly #keeps: ReturnType<typeof keepsGeometry>
  readonly #classIds: number[]
  readonly #imagesBySplit: Record<string, number> = { train: 0, val: 0, test: 0 }
  readonly #annotationsByClass: number[] = []
  #images = 0
  #annotations = 0
  #lastId = 0

  constructor(context: WriteContext) {
    const { target, dataset, options, report } = context
    this.#context = context
    this.#file = new TextFile(join(target, FILE_NAMES[options.task]))
    this.#nameOf = createKeptNames(context)
    this.#isFromDice = dataset.format === 'dice'
    this.#keeps = keepsGeometry(options.task, dataset.taskType)
    this.#classIds = dataset.classes.map(({ id, sourceId }) =>
      this.#isFromDice && typeof sourceId === 'number' ? sourceId : id,
    )
    const attributes = Object.keys(dataset.attributes ?? {})
    if (!this.#isFromDice && attributes.length > 0) report.lose('dataset-attributes-dropped', attributes.join(', '))
    this.#file.write(`${JSON.stringify(this.#head()).slice(0, -1)},"images":[`)
  }

  async image(record: ImageRecord): Promise<void> {
    const { target, options, report } = this.#context
    const id = record.id ?? this.#images
    const path = this.#nameOf(record.path)
    const written: number[] = []
    const annotations: object[] = []
    for (const annotation of record.annotations) {
      if (annotation.isCrowd && options.crowd === 'skip') {
        report.lose('crowd-skipped', record.path)
        continue
      }
      annotations.push(this.#toDice(annotation, record, id))
      written.push(annotation.classId)
      this.#annotationsByClass[annotation.classId] = (this.#annotationsByClass[annotation.classId] ?? 0) + 1
    }
    const background = record.attributes?.is_background
    if (background !== undefined && annotations.length === 0) annotations.push(toBackground(background, id))
    const line = JSON.stringify({
      id,
      file_name: path,
      width: record.width,
      height: record.height,
      split: record.split,
      ...withoutKeys(record.attributes ?? {}, IMAGE_MEMBERS),
      annotations,
    })
    this.#file.write(`${this.#images === 0 ? '\n' : ',\n'}${line}`)
    this.#images++
    this.#annotations += written.length
    if (record.split !== undefined) this.#imagesBySplit[record.split] = (this.#imagesBySplit[record.split] ?? 0) + 1
    await copyImage(record, join(target, path), this.#context)
    report.wrote(record.split, written)
  }

  async finish(): Promise<void> {
    const { classes } = this.#context.dataset
    const perClass = classes.map(({ id, name }) => [name, this.#annotationsByClass[id] ?? 0] as const)
    const statistics = {
      total_images: this.#images,
      total_annotations: this.#annotations,
      avg_annotations_per_image: this.#images === 0 ? 0 : this.#annotations / this.#images,
      class_distribution: Object.fromEntries(perClass),
      split_distribution: this.#imagesBySplit,
    }
    this.#file.write(`\n],"statistics":${JSON.stringify(statistics)}}\n`)
    this.#file.close()
  }

  abort(): void {
    this.#file.close()
  }

  #head(): object {
    const { dataset, options } = this.#context
    const attributes = this.#isFromDice ? withoutKeys(dataset.attributes ?? {}, HEAD_MEMBERS) : {}
    const { task_type, storage_info, ...others } = attributes
    const isSameTask = this.#isFromDice && options.task === dataset.taskType && typeof task_type === 'string'
    return {
      format_version: '1.0',
      dataset_name: dataset.name ?? 'dataset',
      ...others,
      task_type: isSameTask ? task_type : DICE_TASKS[options.task],
      storage_info: { storage_type: 'local', ...(storage_info as object | undefined), image_root: '' },
      classes: dataset.classes.map((info, index) => toDiceClass(info, this.#classIds[index])),
    }
  }

  #toDice(annotation: Annotation, { path }: ImageRecord, imageId: string | number): object {
    const { options, dataset, report } = this.#context
    const { classId, keypoints, attributes = {} } = annotation
    const bbox = options.task === 'classification' ? undefined : findBox(annotation)
    const obb = this.#keeps.obb ? annotation.obb : undefined
    if (annotation.obb !== undefined && obb === undefined) report.lose('rotation-dropped', path)
    return {
      id: annotation.id ?? ++this.#lastId,
      image_id: imageId,
      class_id: this.#classIds[classId],
      class_name: dataset.classes[classId]?.name,
      bbox,
      bbox_format: bbox && 'xywh',
      area: annotation.area,
      iscrowd: annotation.isCrowd ? 1 : undefined,
      segmentation: this.#keeps.outline ? toSegmentation(annotation) : undefined,
      keypoints: this.#keeps.keypoints ? keypoints : undefined,
      // Without an oriented box, the source's own `type` and `geometry` can follow as attributes.
      type: obb && 'obb',
      geometry: obb && { points: obb },
      ...(this.#isFromDice ? withoutKeys(attributes, ANNOTATION_MEMBERS) : nestAttributes(attributes)),
    }
  }
}

function toDiceClass(info: DatasetClassInfo, id: number | undefined): object {
  const { name, color, supercategory, keypoints, skeleton } = info
  // DICE counts keypoints from 1, as COCO does.
  return { id, name, color, supercategory, keypoints, skeleton: skeleton?.map(([from, to]) => [from + 1, to + 1]) }
}

function toSegmentation({ polygons, rle }: Annotation): unknown {
  return polygons ?? (rle && { size: [rle.height, rle.width], counts: rle.counts })
}

/** Marks an image that was reviewed and is empty. `marker` is the id of the marker in the source, or true. */
function toBackground(marker: unknown, imageId: string | number): object {
  return {
    id: marker === true ? undefined : marker,
    image_id: imageId,
    class_id: -1,
    class_name: '__background__',
    is_background: true,
  }
}
