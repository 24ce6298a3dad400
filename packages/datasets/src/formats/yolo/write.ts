import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SplitName } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { findRecordSize } from '../../record/find-record-size.ts'
import type { ImageRecord } from '../../record/record.ts'
import { hashSplit } from '../../splits/hash-split.ts'
import { copyImage } from '../../writing/copy-image.ts'
import type { DatasetWriter, WriteContext } from '../../writing/dataset-writer.ts'
import { createOutputNames } from '../../writing/output-names.ts'
import { createImageFolderWriter } from '../imagefolder/write.ts'
import { createDataYaml } from './data-yaml.ts'
import { createLabelEncoder, type LabelEncoder } from './encode-labels.ts'
import { inferFlipIndex, isFlipIndex } from './flip-index.ts'
import { isLoadableName, labelPathOf, MIN_SIDE } from './layout.ts'

/**
 * Ultralytics' folders: `images/{split}`, `labels/{split}` with a file for each image (an empty one for background) and
 * `data.yaml`; for classification `{split}/{class}`. An image without a split gets one by its path, since the loader
 * wants two.
 */
export function createYoloWriter(context: WriteContext): DatasetWriter {
  if (context.options.task === 'classification') return createImageFolderWriter(context)
  const { target, report, options, dataset } = context
  const outputNames = createOutputNames()
  const folders = new Set<string>()
  const named = Math.max(0, ...dataset.classes.map(({ keypoints }) => keypoints?.length ?? 0))
  let keypointCount = named
  let encoder: LabelEncoder | undefined
  /** Images that came before the first one with keypoints, where no class says how many there are. */
  let waiting: ImageRecord[] = []

  return {
    image(record) {
      if (encoder === undefined && !canStart(record)) {
        waiting.push(record)
        return undefined
      }
      return waiting.length > 0 ? flush(record) : write(record)
    },
    async finish() {
      if (waiting.length > 0) {
        if (waiting.some(({ annotations }) => annotations.length > 0)) {
          throw new DatasetError('The dataset has no keypoints: neither a class names them nor an object has some')
        }
        encoder = createLabelEncoder(context, 0)
        await flush()
      }
      for (const split of ['train', 'val'] as const) {
        for (const folder of ['images', 'labels']) mkdirSync(join(target, folder, split), { recursive: true })
      }
      writeFileSync(join(target, 'data.yaml'), describe())
    },
  }

  function canStart({ annotations }: ImageRecord): boolean {
    if (options.task === 'pose' && keypointCount === 0) {
      const first = annotations.find(({ keypoints }) => keypoints !== undefined)
      if (first === undefined) return false
      keypointCount = Math.floor((first.keypoints?.length ?? 0) / 3)
    }
    encoder = createLabelEncoder(context, keypointCount)
    return true
  }

  async function flush(last?: ImageRecord): Promise<void> {
    const records = waiting
    waiting = []
    for (const record of records) await write(record)
    if (last !== undefined) await write(last)
  }

  function write(record: ImageRecord): Promise<void> | undefined {
    const size = record.annotations.length === 0 ? { width: 1, height: 1 } : findRecordSize(record)
    if (size === undefined) {
      report.lose('image-size-unknown', record.path)
      return undefined
    }
    const split = record.split ?? hashSplit(record.path)
    if (record.split === undefined) report.lose('split-changed', () => `${record.path}: none became ${split}`)
    const name = outputNames.next(record.path, split)
    const imagePath = `images/${split}/${name}`
    checkLoadable(record, imagePath)
    if (record.attributes !== undefined) report.lose('image-attributes-dropped', record.path)
    const { bytes, classIds } = (encoder as LabelEncoder).encode(record, size.width, size.height)
    const labelFile = join(target, labelPathOf(imagePath))
    const folder = dirname(labelFile)
    if (!folders.has(folder)) {
      mkdirSync(folder, { recursive: true })
      folders.add(folder)
    }
    writeFileSync(labelFile, bytes)
    report.wrote(split, classIds)
    if (options.images === 'none') return undefined
    return copyImage(record, join(target, imagePath), context)
  }

  function checkLoadable({ path, width, height }: ImageRecord, imagePath: string): void {
    if (!isLoadableName(imagePath)) report.lose('image-not-loadable', `${path}: its suffix`)
    else if ((width > 0 && width < MIN_SIDE) || (height > 0 && height < MIN_SIDE)) {
      report.lose('image-not-loadable', `${path}: ${width} × ${height} pixels; wanted are ${MIN_SIDE} a side`)
    }
  }

  function describe(): string {
    const { classes } = dataset
    for (const { name, color, supercategory, skeleton } of classes) {
      if (color ?? supercategory ?? skeleton) report.lose('class-details-dropped', name)
    }
    const flipIndex = options.task === 'pose' ? findFlipIndex() : undefined
    if (options.task === 'pose' && flipIndex === undefined) {
      report.lose('flip-index-omitted', 'No sure mirror image for each keypoint')
    }
    // By what is there: worker threads may have written it.
    const splits = SplitName.options.filter((split) => existsSync(join(target, 'labels', split)))
    const isPose = options.task === 'pose' && keypointCount > 0
    return createDataYaml({
      names: classes.map(({ name }) => name),
      task: options.task,
      splits: Object.fromEntries(splits.map((split) => [split, `images/${split}`])),
      ...(isPose ? { keypointShape: [keypointCount, 3] as const, keypointNames: keypointNames() } : {}),
      ...(isPose && flipIndex !== undefined ? { flipIndex } : {}),
    })
  }

  function keypointNames(): Map<number, string[]> {
    const names = new Map<number, string[]>()
    for (const { id, keypoints } of dataset.classes) if (keypoints?.length === keypointCount) names.set(id, keypoints)
    return names
  }

  /** There is one list for all classes: only what all of them agree on. */
  function findFlipIndex(): number[] | undefined {
    const found = dataset.classes
      .filter(({ keypoints, flipIndex }) => keypoints !== undefined || flipIndex !== undefined)
      .map(({ keypoints = [], flipIndex }) => flipIndex ?? inferFlipIndex(keypoints))
    const [first] = found
    const isShared = found.every((other) => other?.join() === first?.join())
    return first !== undefined && isShared && isFlipIndex(first, keypointCount) ? first : undefined
  }
}
