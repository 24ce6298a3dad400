import { join } from 'node:path'
import { DICE_TASKS, type TaskType } from '@trainyard/contract'
import { TextFile } from '../../json/text-file.ts'
import { findBox } from '../../record/find-box.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
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
const IMAGE_MEMBERS = ['id', 'file_name', 'width', 'height', 'split', 'annotations', 'is_background']
const ANNOTATION_MEMBERS = [
  ...['id', 'image_id', 'class_id', 'class_name', 'bbox', 'bbox_format', 'area', 'iscrowd', 'segmentation'],
  ...['keypoints', 'is_background'],
]
const HEAD_MEMBERS = ['classes', 'images', 'annotations', 'categories', 'statistics', 'dataset_name', 'format_version']

/**
 * Writes one `annotations_{task}.json`, nested, an image a line; pixels beside it under the paths they had. What is known
 * beside the geometry is kept. `statistics` comes last, so that memory stays flat.
 */
export function createDiceWriter(context: WriteContext): DatasetWriter {
  const { target, dataset, options, report } = context
  const { task } = options
  const isOwn = dataset.format === 'dice'
  const keeps = keepsGeometry(task, dataset.taskType)
  const file = new TextFile(join(target, FILE_NAMES[task]))
  const classIds = dataset.classes.map(({ id, sourceId }) => (isOwn && typeof sourceId === 'number' ? sourceId : id))
  const splits: Record<string, number> = { train: 0, val: 0, test: 0 }
  const perClass: number[] = []
  const nameOf = createKeptNames(context)
  let images = 0
  let annotations = 0
  let lastId = 0

  const { task_type, storage_info, ...head } = isOwn ? withoutKeys(dataset.attributes ?? {}, HEAD_MEMBERS) : {}
  if (!isOwn && Object.keys(dataset.attributes ?? {}).length > 0) {
    report.lose('dataset-attributes-dropped', Object.keys(dataset.attributes ?? {}).join(', '))
  }
  const isSameTask = isOwn && task === dataset.taskType && typeof task_type === 'string'
  file.write(
    `${JSON.stringify({
      format_version: '1.0',
      dataset_name: dataset.name ?? 'dataset',
      ...head,
      task_type: isSameTask ? task_type : DICE_TASKS[task],
      storage_info: { storage_type: 'local', ...(storage_info as object | undefined), image_root: '' },
      classes: dataset.classes.map(({ name, color, supercategory, keypoints, skeleton }, index) => ({
        id: classIds[index],
        name,
        color,
        supercategory,
        keypoints,
        skeleton: skeleton?.map(([from, to]) => [from + 1, to + 1]),
      })),
    }).slice(0, -1)},"images":[`,
  )

  return {
    async image(record) {
      const id = record.id ?? images
      const path = nameOf(record.path)
      const written: number[] = []
      const list: object[] = []
      for (const annotation of record.annotations) {
        if (annotation.isCrowd && options.crowd === 'skip') {
          report.lose('crowd-skipped', record.path)
          continue
        }
        list.push(toDice(annotation, record, id))
        written.push(annotation.classId)
        perClass[annotation.classId] = (perClass[annotation.classId] ?? 0) + 1
      }
      const background = record.attributes?.is_background
      if (background !== undefined && list.length === 0) {
        list.push({
          id: background === true ? undefined : background,
          image_id: id,
          class_id: -1,
          class_name: '__background__',
          is_background: true,
        })
      }
      const line = JSON.stringify({
        id,
        file_name: path,
        width: record.width,
        height: record.height,
        split: record.split,
        ...withoutKeys(record.attributes ?? {}, IMAGE_MEMBERS),
        annotations: list,
      })
      file.write(`${images === 0 ? '\n' : ',\n'}${line}`)
      images++
      annotations += written.length
      if (record.split !== undefined) splits[record.split] = (splits[record.split] ?? 0) + 1
      await copyImage(record, join(target, path), context)
      report.wrote(record.split, written)
    },
    async finish() {
      const statistics = {
        total_images: images,
        total_annotations: annotations,
        avg_annotations_per_image: images === 0 ? 0 : annotations / images,
        class_distribution: Object.fromEntries(dataset.classes.map(({ id, name }) => [name, perClass[id] ?? 0])),
        split_distribution: splits,
      }
      file.write(`\n],"statistics":${JSON.stringify(statistics)}}\n`)
      file.close()
    },
    abort: () => file.close(),
  }

  function toDice(annotation: Annotation, record: ImageRecord, imageId: string | number): object {
    const { classId, polygons, rle, keypoints, obb } = annotation
    const box = task === 'classification' ? undefined : findBox(annotation)
    const attributes = annotation.attributes ?? {}
    if (obb !== undefined && !keeps.obb) report.lose('rotation-dropped', record.path)
    return {
      id: annotation.id ?? ++lastId,
      image_id: imageId,
      class_id: classIds[classId],
      class_name: dataset.classes[classId]?.name,
      ...(box === undefined ? {} : { bbox: box, bbox_format: 'xywh' }),
      area: annotation.area,
      iscrowd: annotation.isCrowd ? 1 : undefined,
      ...(polygons !== undefined && keeps.outline ? { segmentation: polygons } : {}),
      ...(polygons === undefined && rle !== undefined && keeps.outline
        ? { segmentation: { size: [rle.height, rle.width], counts: rle.counts } }
        : {}),
      ...(keypoints !== undefined && keeps.keypoints ? { keypoints } : {}),
      ...(obb !== undefined && keeps.obb ? { type: 'obb', geometry: { points: obb } } : {}),
      ...(isOwn ? withoutKeys(attributes, ANNOTATION_MEMBERS) : nestAttributes(attributes)),
    }
  }
}
