import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { splitExtension } from '../../files/split-extension.ts'
import { masksOfValues } from '../../geometry/value-masks.ts'
import { encodePng } from '../../images/encode-png.ts'
import { findRecordSize } from '../../record/find-record-size.ts'
import { splitMask } from '../../record/mask-object.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import type { LossReason } from '../../report/loss-counter.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { nameClasses, toSingleLine } from '../../writing/name-classes.ts'
import { createOutputNames } from '../../writing/output-names.ts'
import { devkitColour, devkitPalette } from '../voc/colour-map.ts'
import { MAX_MASK_PIXELS, MAX_NUMBERS, paintOwners, toLabelMap, toObjectMask } from '../voc/write-masks.ts'
import { countJoined } from './count-joined.ts'

interface Size {
  width: number
  height: number
}
type Lose = (reason: LossReason, what: string) => void

/**
 * Writes `images/{split}`, `masks/{split}` with the number of the class of each pixel (0 is the background) in the colours of
 * Pascal VOC, `labelmap.txt` and the `dataset_meta.json` of Datumaro. Pixels do not tell objects of one class apart.
 */
export function createMasksWriter(context: WriteContext): DatasetWriter {
  const { target, report, dataset, options } = context
  const names = nameClasses(context, toLabel)
  const outputNames = createOutputNames()
  const palette = devkitPalette()
  for (const { name, color, supercategory, keypoints } of dataset.classes)
    if (color ?? supercategory ?? keypoints) report.lose('class-details-dropped', name)

  return {
    async image(record) {
      const { split, path } = record
      const lose: Lose = (reason, what) => report.lose(reason, `${path}: ${what}`)
      const size = findRecordSize(record)
      if (size === undefined || size.width * size.height > MAX_MASK_PIXELS)
        return report.lose(
          'image-size-unknown',
          `${path}: left out, because its mask has no size, or one that is too large`,
        )
      const name = outputNames.next(path, split)
      const { data, classIds } = paint(record, size, lose)
      if (record.attributes !== undefined) report.lose('image-attributes-dropped', path)
      const folder = split ?? ''
      const file = join(target, 'masks', folder, `${splitExtension(name).stem}.png`)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, encodePng({ ...size, channels: 1, data, palette }))
      await copyImage(record, join(target, 'images', folder, name), context)
      report.wrote(split, classIds)
    },
    async finish() {
      await writeFile(join(target, 'labelmap.txt'), toLabelMap(names))
      const all = ['background', ...names]
      const colours = all.map((_, number) => {
        const colour = devkitColour(number)
        return [colour >> 16, (colour >> 8) & 255, colour & 255]
      })
      const meta = {
        label_map: Object.fromEntries(all.map((name, number) => [number, name])),
        segmentation_colors: colours,
        background_label: '0',
      }
      await writeFile(join(target, 'dataset_meta.json'), `${JSON.stringify(meta, null, 2)}\n`)
    },
  }

  function paint({ annotations }: ImageRecord, size: Size, lose: Lose): { data: Uint8Array; classIds: number[] } {
    const masks = annotations.flatMap((annotation) => {
      if (annotation.isCrowd && options.crowd === 'skip') {
        lose('crowd-skipped', annotation.kind)
        return []
      }
      if (annotation.classId >= MAX_NUMBERS) {
        lose('object-beyond-limit', `class ${annotation.classId}; a mask holds ${MAX_NUMBERS}`)
        return []
      }
      const rle = toObjectMask(annotation, size, lose)
      return rle === undefined ? [] : [{ annotation, rle, classId: annotation.classId }]
    })
    const { owners, areas, left } = paintOwners(masks, size)
    for (const [index, { annotation }] of masks.entries()) {
      const [whole = 0, seen = 0] = [areas[index], left[index + 1]]
      if (whole === 0) lose('annotation-too-small', `object ${index} has no pixel`)
      else if (seen < whole) lose('overlap-flattened', `object ${index} keeps ${seen} of ${whole} pixels`)
      countDropped(annotation, lose)
    }
    const data = Uint8Array.from(owners, (owner) => (masks[owner - 1]?.classId ?? -1) + 1)
    const parts = [...masksOfValues({ ...size, values: data }, 0).values()].flatMap(splitMask)
    countJoined(parts, owners, size, lose)
    return { data, classIds: masks.filter((_, index) => (left[index + 1] ?? 0) > 0).map(({ classId }) => classId) }
  }
}

/** Counts what the pixels of a class cannot hold. */
function countDropped({ id, attributes, keypoints, obb, isCrowd, group }: Annotation, lose: Lose): void {
  if (id !== undefined) lose('annotation-id-dropped', String(id))
  if (attributes !== undefined || isCrowd || group !== undefined)
    lose('annotation-attributes-dropped', Object.keys(attributes ?? {}).join(', '))
  if (keypoints !== undefined) lose('keypoints-dropped', 'pixels cannot hold it')
  if (obb !== undefined) lose('rotation-dropped', 'pixels cannot hold it')
}

/** In `labelmap.txt` a colon ends a name. Names of the background would not be classes. */
function toLabel(name: string): string {
  const safe = toSingleLine(name).replaceAll(':', '_')
  return /^(?:_*background_*|ignored?|void|unlabell?ed)$/i.test(safe) ? `class_${safe}` : safe
}
