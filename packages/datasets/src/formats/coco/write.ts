import { appendFileSync, createReadStream, mkdirSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { SplitName } from '@trainyard/contract'
import { ringArea } from '../../geometry/polygon.ts'
import { rleArea } from '../../geometry/rle.ts'
import { TextFile } from '../../json/text-file.ts'
import { findBox } from '../../record/find-box.ts'
import { findRecordSize } from '../../record/find-record-size.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { keepsGeometry } from '../../writing/keeps-geometry.ts'
import { createKeptNames } from '../../writing/kept-names.ts'
import { nestAttributes, withoutKeys } from '../../writing/merge-attributes.ts'

const IMAGE_MEMBERS = ['id', 'file_name', 'width', 'height']
const ANNOTATION_MEMBERS = [
  ...['id', 'image_id', 'category_id', 'bbox', 'area', 'iscrowd', 'segmentation', 'keypoints', 'num_keypoints'],
]

/** One annotation file while it is written: images and annotations grow apart and are joined at the end. */
interface SplitFile {
  path: string
  images: TextFile
  annotations: TextFile
  imageCount: number
  annotationCount: number
  imageIds: Ids
  annotationIds: Ids
}

/**
 * Writes `annotations/instances_{split}.json` (`person_keypoints_{split}.json` for poses, `…_default.json` for images of no
 * split) and the pixels under the paths they had: `file_name` is relative to the dataset's root. Ids of a COCO source stay;
 * other classes are numbered from 1, as 0 is the background for many trainers.
 */
export function createCocoWriter(context: WriteContext): DatasetWriter {
  const { target, dataset, options, report } = context
  const { task } = options
  const isOwn = dataset.format === 'coco'
  const keeps = keepsGeometry(task, dataset.taskType)
  const folder = join(target, 'annotations')
  const files = new Map<SplitName | undefined, SplitFile>()
  const nameOf = createKeptNames(context)
  const categoryIds = dataset.classes.map(({ id, sourceId }) => (isOwn && sourceId !== undefined ? sourceId : id + 1))
  mkdirSync(folder, { recursive: true })
  if (!isOwn && Object.keys(dataset.attributes ?? {}).length > 0) {
    report.lose('dataset-attributes-dropped', Object.keys(dataset.attributes ?? {}).join(', '))
  }

  const openSplit = (split: SplitName | undefined): SplitFile => {
    const known = files.get(split)
    if (known !== undefined) return known
    const kind = task === 'pose' ? 'person_keypoints' : 'instances'
    const path = join(folder, `${kind}_${split ?? 'default'}.json`)
    const file: SplitFile = {
      path,
      images: new TextFile(path),
      annotations: new TextFile(`${path}.annotations`),
      imageCount: 0,
      annotationCount: 0,
      imageIds: new Ids(),
      annotationIds: new Ids(),
    }
    const head = isOwn ? withoutKeys(dataset.attributes ?? {}, ['images', 'annotations', 'categories']) : {}
    const text = JSON.stringify({
      ...head,
      categories: dataset.classes.map(({ name, supercategory, color, keypoints, skeleton }, index) => ({
        id: categoryIds[index],
        name,
        supercategory,
        color,
        keypoints,
        skeleton: skeleton?.map(([from, to]) => [from + 1, to + 1]),
      })),
    })
    file.images.write(`${text.slice(0, -1)},"images":[`)
    files.set(split, file)
    return file
  }

  return {
    async image(record) {
      const file = openSplit(record.split)
      const id = file.imageIds.take(record.id)
      if (record.id !== undefined && id !== record.id) {
        report.lose('id-changed', () => `image ${record.path}: ${record.id} became ${id}`)
      }
      const size = findRecordSize(record)
      if (size === undefined) report.lose('image-size-unknown', record.path)
      const path = nameOf(record.path)
      const extra = withoutKeys(record.attributes ?? {}, IMAGE_MEMBERS)
      const text = JSON.stringify({
        id,
        file_name: path,
        width: size?.width ?? 0,
        height: size?.height ?? 0,
        ...extra,
      })
      file.images.write(file.imageCount++ === 0 ? `\n${text}` : `,\n${text}`)
      const written: number[] = []
      for (const annotation of record.annotations) {
        const object = toCoco(annotation, record, id, file)
        if (object === undefined) continue
        const line = JSON.stringify(object)
        file.annotations.write(file.annotationCount++ === 0 ? `\n${line}` : `,\n${line}`)
        written.push(annotation.classId)
      }
      await copyImage(record, join(target, path), context)
      report.wrote(record.split, written)
    },
    async finish() {
      for (const { path, images, annotations } of files.values()) {
        images.write('\n],"annotations":[')
        images.close()
        annotations.close()
        await appendFile(`${path}.annotations`, path)
        appendFileSync(path, '\n]}\n')
        rmSync(`${path}.annotations`)
      }
    },
    abort() {
      for (const { images, annotations } of files.values()) {
        images.close()
        annotations.close()
      }
    },
  }

  function toCoco(
    annotation: Annotation,
    record: ImageRecord,
    imageId: string | number,
    { annotationIds }: SplitFile,
  ): object | undefined {
    const { classId, polygons, rle, keypoints, obb, isCrowd, attributes = {} } = annotation
    if (isCrowd && options.crowd === 'skip') {
      report.lose('crowd-skipped', record.path)
      return undefined
    }
    const bbox = findBox(annotation)
    if (bbox === undefined) {
      report.lose('annotation-kind-not-supported', () => `${record.path}: COCO has no place for a ${annotation.kind}`)
      return undefined
    }
    let segmentation: unknown = []
    if (polygons !== undefined && keeps.outline) segmentation = polygons
    else if (rle !== undefined && keeps.outline) {
      // Uncompressed: every loader takes it.
      segmentation = { size: [rle.height, rle.width], counts: rle.counts }
    } else if (obb !== undefined) {
      // The corners stay as an outline, but nothing says any more that it is a turned box.
      report.lose('rotation-dropped', record.path)
      segmentation = [obb]
    }
    const id = annotationIds.take(annotation.id)
    if (annotation.id !== undefined && id !== annotation.id) {
      report.lose('id-changed', () => `annotation ${annotation.id} of ${record.path} became ${id}`)
    }
    return {
      id,
      image_id: imageId,
      category_id: categoryIds[classId],
      bbox,
      area: annotation.area ?? areaOf(annotation, bbox),
      iscrowd: isCrowd ? 1 : 0,
      segmentation,
      ...(keypoints !== undefined && keeps.keypoints
        ? { keypoints, num_keypoints: keypoints.filter((value, at) => at % 3 === 2 && value > 0).length }
        : {}),
      ...(isOwn ? withoutKeys(attributes, ANNOTATION_MEMBERS) : nestAttributes(attributes)),
    }
  }
}

/** Ids of one kind in one file: those of the source while they are free, else the next number. */
class Ids {
  readonly #taken = new Set<string | number>()
  #last = 0

  take(wanted: string | number | undefined): string | number {
    const id = wanted !== undefined && !this.#taken.has(wanted) ? wanted : this.#next()
    this.#taken.add(id)
    return id
  }

  #next(): number {
    do this.#last++
    while (this.#taken.has(this.#last))
    return this.#last
  }
}

function areaOf({ polygons, rle }: Annotation, bbox: readonly number[]): number {
  if (polygons !== undefined) return polygons.reduce((sum, ring) => sum + ringArea(ring), 0)
  if (rle !== undefined) return rleArea(rle)
  return (bbox[2] ?? 0) * (bbox[3] ?? 0)
}

async function appendFile(from: string, to: string): Promise<void> {
  const target = await open(to, 'a')
  try {
    for await (const chunk of createReadStream(from, { highWaterMark: 1 << 20 })) await target.write(chunk as Buffer)
  } finally {
    await target.close()
  }
}
