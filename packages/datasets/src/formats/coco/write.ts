import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { withoutNoise } from '../../geometry/box.ts'
import { ringArea } from '../../geometry/polygon.ts'
import { rleArea } from '../../geometry/rle.ts'
import { findBox } from '../../record/find-box.ts'
import { findRecordSize } from '../../record/find-record-size.ts'
import type { Annotation, DatasetClassInfo, ImageRecord } from '../../record/record.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { keepsGeometry } from '../../writing/keeps-geometry.ts'
import { createKeptNames } from '../../writing/kept-names.ts'
import { nestAttributes, withoutKeys } from '../../writing/merge-attributes.ts'
import { AnnotationFile } from './annotation-file.ts'

const HEAD_MEMBERS = ['images', 'annotations', 'categories']
const IMAGE_MEMBERS = ['id', 'file_name', 'width', 'height']
const GEOMETRY_MEMBERS = ['bbox', 'area', 'iscrowd', 'segmentation', 'keypoints', 'num_keypoints']
const ANNOTATION_MEMBERS = ['id', 'image_id', 'category_id', ...GEOMETRY_MEMBERS]

/**
 * Writes `annotations/instances_{split}.json` (`person_keypoints_{split}.json` for poses, `…_default.json` for images without
 * a split), and the images under their paths in the source: `file_name` is relative to the dataset. The ids of a COCO source
 * are kept; other classes are numbered from 1, because many trainers take 0 for the background.
 */
export function createCocoWriter(context: WriteContext): DatasetWriter {
  return new CocoWriter(context)
}

class CocoWriter implements DatasetWriter {
  readonly #context: WriteContext
  readonly #folder: string
  readonly #files = new Map<SplitName | undefined, AnnotationFile>()
  readonly #nameOf: (path: string) => string
  readonly #isFromCoco: boolean
  readonly #keeps: ReturnType<typeof keepsGeometry>
  readonly #categoryIds: (string | number)[]

  constructor(context: WriteContext) {
    const { target, dataset, options, report } = context
    this.#context = context
    this.#folder = join(target, 'annotations')
    this.#nameOf = createKeptNames(context)
    this.#isFromCoco = dataset.format === 'coco'
    this.#keeps = keepsGeometry(options.task, dataset.taskType)
    this.#categoryIds = dataset.classes.map(({ id, sourceId }) =>
      this.#isFromCoco && sourceId !== undefined ? sourceId : id + 1,
    )
    mkdirSync(this.#folder, { recursive: true })
    const attributes = Object.keys(dataset.attributes ?? {})
    if (!this.#isFromCoco && attributes.length > 0) report.lose('dataset-attributes-dropped', attributes.join(', '))
  }

  async image(record: ImageRecord): Promise<void> {
    const { target, report } = this.#context
    const file = this.#openFile(record.split)
    const id = file.imageIds.take(record.id)
    if (record.id !== undefined && id !== record.id)
      report.lose('id-changed', () => `image ${record.path}: ${record.id} became ${id}`)
    const size = findRecordSize(record)
    if (size === undefined) report.lose('image-size-unknown', record.path)
    const path = this.#nameOf(record.path)
    file.addImage({
      id,
      file_name: path,
      width: size?.width ?? 0,
      height: size?.height ?? 0,
      ...withoutKeys(record.attributes ?? {}, IMAGE_MEMBERS),
    })
    const written: number[] = []
    for (const annotation of record.annotations) {
      const object = this.#toCoco(annotation, record, id, file)
      if (object === undefined) continue
      file.addAnnotation(object)
      written.push(annotation.classId)
    }
    await copyImage(record, join(target, path), this.#context)
    report.wrote(record.split, written)
  }

  async finish(): Promise<void> {
    for (const file of this.#files.values()) await file.finish()
  }

  abort(): void {
    for (const file of this.#files.values()) file.close()
  }

  #openFile(split: SplitName | undefined): AnnotationFile {
    const known = this.#files.get(split)
    if (known !== undefined) return known
    const { dataset, options } = this.#context
    const kind = options.task === 'pose' ? 'person_keypoints' : 'instances'
    const head = this.#isFromCoco ? withoutKeys(dataset.attributes ?? {}, HEAD_MEMBERS) : {}
    const categories = dataset.classes.map((info, index) => toCategory(info, this.#categoryIds[index]))
    const path = join(this.#folder, `${kind}_${split ?? 'default'}.json`)
    const file = new AnnotationFile(path, { ...head, categories })
    this.#files.set(split, file)
    return file
  }

  /** Undefined, and counted, when COCO cannot hold the annotation. */
  #toCoco(
    annotation: Annotation,
    { path }: ImageRecord,
    imageId: string | number,
    { annotationIds }: AnnotationFile,
  ): object | undefined {
    const { options, report } = this.#context
    const { classId, isCrowd, attributes = {} } = annotation
    if (isCrowd && options.crowd === 'skip') {
      report.lose('crowd-skipped', path)
      return undefined
    }
    const bbox = findBox(annotation)
    if (bbox === undefined) {
      if (annotation.rle !== undefined) report.lose('annotation-too-small', () => `${path}: a mask without a pixel`)
      else report.lose('annotation-kind-not-supported', () => `${path}: COCO cannot hold the kind "${annotation.kind}"`)
      return undefined
    }
    const unrotated = this.#isFromCoco ? annotation.unrotatedBox : undefined
    const segmentation = unrotated === undefined ? this.#toSegmentation(annotation, path) : []
    const id = annotationIds.take(annotation.id)
    if (annotation.id !== undefined && id !== annotation.id)
      report.lose('id-changed', () => `annotation ${annotation.id} of ${path} became ${id}`)
    const keypoints = this.#keeps.keypoints ? annotation.keypoints : undefined
    return {
      id,
      image_id: imageId,
      category_id: this.#categoryIds[classId],
      bbox: unrotated ?? bbox,
      area: annotation.area ?? areaOf(annotation, bbox),
      iscrowd: isCrowd ? 1 : 0,
      segmentation,
      keypoints,
      num_keypoints: keypoints?.filter((value, at) => at % 3 === 2 && value > 0).length,
      ...(this.#isFromCoco ? withoutKeys(attributes, ANNOTATION_MEMBERS) : nestAttributes(attributes)),
    }
  }

  #toSegmentation({ polygons, rle, obb }: Annotation, path: string): unknown {
    if (polygons !== undefined && this.#keeps.outline) return polygons
    // Uncompressed, because every loader reads it.
    if (rle !== undefined && this.#keeps.outline) return { size: [rle.height, rle.width], counts: rle.counts }
    if (obb === undefined) return []
    // The corners are kept as an outline, but nothing marks it as a rotated box.
    this.#context.report.lose('rotation-dropped', path)
    return [obb]
  }
}

function toCategory(info: DatasetClassInfo, id: string | number | undefined): object {
  const { name, supercategory, color, keypoints, skeleton } = info
  return {
    id,
    name,
    supercategory,
    color,
    keypoints,
    // COCO counts keypoints from 1.
    skeleton: skeleton?.map(([from, to]) => [from + 1, to + 1]),
  }
}

function areaOf({ polygons, rle }: Annotation, bbox: readonly number[]): number {
  if (polygons !== undefined) return polygons.reduce((sum, ring) => sum + ringArea(ring), 0)
  if (rle !== undefined) return rleArea(rle)
  return withoutNoise((bbox[2] ?? 0) * (bbox[3] ?? 0))
}
