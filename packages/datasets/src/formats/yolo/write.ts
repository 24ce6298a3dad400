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
import { createDataYaml } from './create-data-yaml.ts'
import { createLabelEncoder, type LabelEncoder } from './encode-labels.ts'
import { inferFlipIndex, isFlipIndex } from './flip-index.ts'
import { isLoadableName, labelPathOf, MIN_SIDE } from './layout.ts'

/**
 * Writes the folders of Ultralytics: `images/{split}`, `labels/{split}` with a file for each image (empty for background)
 * and `data.yaml`; for classification `{split}/{class}`. An image without a split gets one by the hash of its path,
 * because the loader needs train and val.
 */
export function createYoloWriter(context: WriteContext): DatasetWriter {
  return context.options.task === 'classification' ? createImageFolderWriter(context) : new YoloWriter(context)
}

class YoloWriter implements DatasetWriter {
  readonly #context: WriteContext
  readonly #outputNames = createOutputNames()
  readonly #folders = new Set<string>()
  #keypointCount: number
  #encoder: LabelEncoder | undefined
  /** Images before the first one with keypoints, where no class says how many keypoints an object has. */
  #waiting: ImageRecord[] = []

  constructor(context: WriteContext) {
    this.#context = context
    this.#keypointCount = Math.max(0, ...context.dataset.classes.map(({ keypoints }) => keypoints?.length ?? 0))
  }

  image(record: ImageRecord): Promise<void> | undefined {
    const encoder = this.#encoder ?? this.#start(record)
    if (encoder === undefined) {
      this.#waiting.push(record)
      return undefined
    }
    return this.#waiting.length > 0 ? this.#flush(encoder, record) : this.#write(encoder, record)
  }

  async finish(): Promise<void> {
    const context = this.#context
    if (this.#waiting.length > 0) {
      if (this.#waiting.some(({ annotations }) => annotations.length > 0))
        throw new DatasetError('The dataset has no keypoints: no class names them and no object has any')
      await this.#flush(createLabelEncoder(context, 0))
    }
    for (const split of ['train', 'val'] as const) {
      for (const folder of ['images', 'labels']) mkdirSync(join(context.target, folder, split), { recursive: true })
    }
    writeFileSync(join(context.target, 'data.yaml'), this.#describe())
  }

  /** Undefined while the number of keypoints is not known. */
  #start({ annotations }: ImageRecord): LabelEncoder | undefined {
    if (this.#context.options.task === 'pose' && this.#keypointCount === 0) {
      const first = annotations.find(({ keypoints }) => keypoints !== undefined)
      if (first === undefined) return undefined
      this.#keypointCount = Math.floor((first.keypoints?.length ?? 0) / 3)
    }
    this.#encoder = createLabelEncoder(this.#context, this.#keypointCount)
    return this.#encoder
  }

  async #flush(encoder: LabelEncoder, last?: ImageRecord): Promise<void> {
    const records = last === undefined ? this.#waiting : [...this.#waiting, last]
    this.#waiting = []
    for (const record of records) await this.#write(encoder, record)
  }

  /** Returns a promise only when pixels are copied: a million awaits cost seconds. */
  #write(encoder: LabelEncoder, record: ImageRecord): Promise<void> | undefined {
    const { target, options, report } = this.#context
    const size = record.annotations.length === 0 ? { width: 1, height: 1 } : findRecordSize(record)
    if (size === undefined) {
      report.lose('image-size-unknown', record.path)
      return undefined
    }
    const split = record.split ?? hashSplit(record.path)
    if (record.split === undefined) report.lose('split-changed', () => `${record.path}: none became ${split}`)
    const imagePath = `images/${split}/${this.#outputNames.next(record.path, split)}`
    this.#checkLoadable(record, imagePath)
    if (record.attributes !== undefined) report.lose('image-attributes-dropped', record.path)
    const { bytes, classIds } = encoder.encode(record, size.width, size.height)
    const labelFile = join(target, labelPathOf(imagePath))
    const folder = dirname(labelFile)
    if (!this.#folders.has(folder)) {
      mkdirSync(folder, { recursive: true })
      this.#folders.add(folder)
    }
    writeFileSync(labelFile, bytes)
    report.wrote(split, classIds)
    if (options.images === 'none') return undefined
    return copyImage(record, join(target, imagePath), this.#context)
  }

  #checkLoadable({ path, width, height }: ImageRecord, imagePath: string): void {
    const { report } = this.#context
    if (!isLoadableName(imagePath)) report.lose('image-not-loadable', `${path}: its suffix`)
    else if ((width > 0 && width < MIN_SIDE) || (height > 0 && height < MIN_SIDE))
      report.lose('image-not-loadable', `${path}: ${width} × ${height} pixels; expected at least ${MIN_SIDE} a side`)
  }

  #describe(): string {
    const { target, options, report, dataset } = this.#context
    const { classes } = dataset
    for (const { name, color, supercategory, skeleton } of classes) {
      if (color ?? supercategory ?? skeleton) report.lose('class-details-dropped', name)
    }
    const flipIndex = options.task === 'pose' ? this.#findFlipIndex() : undefined
    if (options.task === 'pose' && flipIndex === undefined)
      report.lose('flip-index-omitted', 'The mirror image of some keypoint is not known')
    // By what exists: worker threads may have written it.
    const splits = SplitName.options.filter((split) => existsSync(join(target, 'labels', split)))
    const hasKeypoints = options.task === 'pose' && this.#keypointCount > 0
    return createDataYaml({
      names: classes.map(({ name }) => name),
      task: options.task,
      splits: Object.fromEntries(splits.map((split) => [split, `images/${split}`])),
      keypointShape: hasKeypoints ? [this.#keypointCount, 3] : undefined,
      keypointNames: hasKeypoints ? this.#keypointNames() : undefined,
      flipIndex: hasKeypoints ? flipIndex : undefined,
    })
  }

  #keypointNames(): Map<number, string[]> {
    const names = new Map<number, string[]>()
    for (const { id, keypoints } of this.#context.dataset.classes)
      if (keypoints?.length === this.#keypointCount) names.set(id, keypoints)
    return names
  }

  /** The file holds one list for all classes: undefined unless all of them agree. */
  #findFlipIndex(): number[] | undefined {
    const found = this.#context.dataset.classes
      .filter(({ keypoints, flipIndex }) => keypoints !== undefined || flipIndex !== undefined)
      .map(({ keypoints = [], flipIndex }) => flipIndex ?? inferFlipIndex(keypoints))
    const [first] = found
    const isShared = found.every((other) => other?.join() === first?.join())
    return first !== undefined && isShared && isFlipIndex(first, this.#keypointCount) ? first : undefined
  }
}
