import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type DatasetFormat, type SplitName, SplitName as SplitNames, type TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { MissingPackageError } from '../errors.ts'
import { foldPath } from '../files/fold-path.ts'
import { IMAGE_NAME, listFiles } from '../files/list-files.ts'
import { splitExtension } from '../files/split-extension.ts'
import { type ImageDetails, inspectImage } from '../images/image-header.ts'
import { loadSharp } from '../pixels/load-sharp.ts'
import { findBox } from '../record/find-box.ts'
import type { DatasetReader, ImageRecord } from '../record/record.ts'
import { hashPicture } from '../similar/picture-hash.ts'
import { SimilarPictures } from '../similar/similar-pictures.ts'
import { roboflowSource } from '../splits/group-images.ts'
import { hashFile } from '../transfer/hash-file.ts'
import { checkAnnotations } from './check-annotations.ts'
import { type DatasetFinding, FindingCollector } from './dataset-findings.ts'

/** What is checked. */
export interface ValidateDatasetOptions {
  /** The folder of the dataset. With it, images that are not part of the dataset are reported. */
  dir?: string | undefined
  /** Read the header of every image. Default true. */
  pixels?: boolean | undefined
  /**
   * Hash every image to find those with the same bytes, and those that look the same: another size, quality or format, or
   * mirrored. Reads all bytes, and decodes every image where the package `sharp` is installed. Default false.
   */
  duplicates?: boolean | undefined
  /** Called for each image with its size: as annotated, otherwise that of its file, otherwise 0. */
  observe?: ((record: ImageRecord, size: { width: number; height: number }) => void) | undefined
  /** Called for each image with the number of images so far. */
  onProgress?: ((progress: { images: number }) => void) | undefined
  signal?: AbortSignal | undefined
}

type SplitKey = SplitName | 'unsplit'

/** Minimum, median and maximum. */
export interface Range {
  min: number
  median: number
  max: number
}

/** Statistics of a dataset, and its findings. */
export interface DatasetReport {
  format: DatasetFormat
  taskType: TaskType
  name?: string | undefined
  images: number
  /** Images with at least one object. */
  labelled: number
  annotations: number
  splits: Record<SplitKey, { images: number; annotations: number }>
  classes: { id: number; name: string; images: number; annotations: number; splits: Record<SplitKey, number> }[]
  /**
   * Sizes of images in pixels, and the number of boxes by area: small is below 32², large from 96², as in COCO. Undefined
   * when there are none.
   */
  sizes: {
    width?: Range | undefined
    height?: Range | undefined
    boxes?: { small: number; medium: number; large: number } | undefined
  }
  findings: DatasetFinding[]
}

/** Reads a whole dataset, counts its content and reports what is wrong with it. Never modifies a file. */
export async function validateDataset(
  reader: DatasetReader,
  { dir, pixels = true, duplicates = false, observe, onProgress, signal }: ValidateDatasetOptions = {},
): Promise<DatasetReport> {
  const findings = new FindingCollector()
  const splits = { train: noCounts(), val: noCounts(), test: noCounts(), unsplit: noCounts() }
  const classes = reader.classes.map(({ id, name }) => ({
    id,
    name,
    images: 0,
    annotations: 0,
    splits: { train: 0, val: 0, test: 0, unsplit: 0 },
  }))
  const paths = createPathCheck(findings)
  const contents = createSameCheck(findings)
  const looks = duplicates ? await createSimilarCheck(findings) : undefined
  const files = new Set<string>()
  const [widths, heights]: [number[], number[]] = [[], []]
  const boxes = { small: 0, medium: 0, large: 0 }
  let [images, labelled, annotations] = [0, 0, 0]

  for await (const record of reader.images()) {
    signal?.throwIfAborted()
    if (images % 200 === 199) await setImmediate()
    const split = record.split ?? 'unsplit'
    images++
    splits[split].images++
    splits[split].annotations += record.annotations.length
    annotations += record.annotations.length
    if (record.annotations.length > 0) labelled++
    else findings.add('image-empty', record.path)
    paths.add(record)
    const size = pixels ? checkPixels(record, findings) : { width: record.width, height: record.height }
    if (size.width > 0) {
      widths.push(size.width)
      heights.push(size.height)
    }
    observe?.(record, size)
    checkAnnotations(record, size, reader.classes, findings)
    for (const classId of new Set(record.annotations.map((annotation) => annotation.classId))) {
      const info = classes[classId]
      if (info !== undefined) info.images++
    }
    for (const annotation of record.annotations) {
      const info = classes[annotation.classId]
      if (info !== undefined) {
        info.annotations++
        info.splits[split]++
      }
      const [, , width, height] = findBox(annotation) ?? []
      if (width !== undefined && height !== undefined) boxes[sizeClass(width * height)]++
    }
    if (record.file !== undefined) files.add(record.file)
    if (duplicates && record.file !== undefined && (await contents.add(record, record.file)))
      await looks?.add(record, record.file)
    onProgress?.({ images })
  }
  contents.finish()
  if (dir !== undefined) await findOrphans(dir, { files, isAnnotation: reader.isAnnotationFile }, findings, signal)
  for (const loss of reader.losses?.list() ?? []) {
    const isLeak = loss.reason === 'image-in-several-splits'
    for (const [index, example] of loss.examples.entries())
      findings.add(
        isLeak ? 'split-leak' : 'lost-in-reading',
        isLeak ? example : `${loss.reason}: ${example}`,
        index === 0 ? loss.count - loss.examples.length + 1 : 1,
      )
  }
  if (classes.length === 0 && images > 0) findings.add('classes-missing', 'no class')
  checkClasses(classes, splits, findings)
  checkSplits(images, splits, findings)
  const [width, height] = [rangeOf(widths), rangeOf(heights)]
  const hasBoxes = boxes.small + boxes.medium + boxes.large > 0
  return {
    format: reader.format,
    taskType: reader.taskType,
    name: reader.name,
    images,
    labelled,
    annotations,
    splits,
    classes,
    sizes: { width, height, boxes: hasBoxes ? boxes : undefined },
    findings: findings.list(),
  }
}

function noCounts() {
  return { images: 0, annotations: 0 }
}

function sizeClass(area: number): 'small' | 'medium' | 'large' {
  return area < 32 ** 2 ? 'small' : area < 96 ** 2 ? 'medium' : 'large'
}

/** Checks the file of an image, and returns the size as annotated, or the size in the file if there is none. */
function checkPixels(record: ImageRecord, findings: FindingCollector): { width: number; height: number } {
  const { path, file, width, height } = record
  const declared = { width, height }
  if (file === undefined) {
    findings.add('image-missing', path)
    if (width === 0) findings.add('size-unknown', path)
    return declared
  }
  try {
    const seen = inspectImage(file, path)
    if (seen.isTruncated) findings.add('image-truncated', path)
    const unusual = unusualTraits(seen)
    if (unusual.length > 0) findings.add('image-unusual', `${path}: ${unusual.join(', ')}`)
    if (seen.width === 0) {
      if (width === 0) findings.add('size-unknown', path)
      return declared
    }
    if (width > 0 && (width !== seen.width || height !== seen.height)) {
      const isClass = record.annotations.every(({ kind }) => kind === 'class')
      if (!isClass)
        findings.add('size-mismatch', `${path}: ${seen.width} × ${seen.height}, annotated as ${width} × ${height}`)
      return declared
    }
    return { width: seen.width, height: seen.height }
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (isMissing) findings.add('image-missing', path)
    else if (error instanceof DatasetError || (error instanceof Error && 'code' in error))
      findings.add('image-unreadable', error.message)
    else throw error
    return declared
  }
}

/** What loaders that expect 8-bit grey or RGB can fail on. */
function unusualTraits(seen: ImageDetails): string[] {
  const traits: string[] = []
  if (seen.hasAlpha) traits.push('alpha')
  if (seen.bitDepth > 8) traits.push(`${seen.bitDepth} bits`)
  if (seen.isPalette) traits.push('palette')
  if (seen.isCmyk) traits.push('CMYK')
  if (seen.hasBytesAfterEnd) traits.push('bytes after its end')
  if (seen.isAnimated) traits.push('more than one frame')
  if (['heic', 'avif', 'jxl', 'unknown'].includes(seen.format)) traits.push(seen.format)
  return traits
}

function createPathCheck(findings: FindingCollector) {
  const exact = new Set<string>()
  const folded = new Map<string, string>()
  const copies = new Map<string, SplitKey>()
  return {
    add({ path, split = 'unsplit' as SplitKey }: Pick<ImageRecord, 'path'> & { split?: SplitKey | undefined }) {
      if (exact.has(path)) return findings.add('path-duplicate', path)
      exact.add(path)
      const key = foldPath(splitExtension(path).stem)
      const other = folded.get(key)
      if (other !== undefined) findings.add('path-collision', `${path} and ${other}`)
      else folded.set(key, path)
      const source = roboflowSource(path)
      if (source === undefined) return
      const first = copies.get(source)
      if (first === undefined) copies.set(source, split)
      else if (first !== split) findings.add('group-leak', `${path} in ${split}, and another copy in ${first}`)
    },
  }
}

function createSameCheck(findings: FindingCollector) {
  const byDigest = new Map<string, ImageRecord[]>()
  return {
    /** Whether these bytes are new. */
    async add(record: ImageRecord, file: string): Promise<boolean> {
      let digest: string
      try {
        digest = await hashFile(file)
      } catch (error) {
        // Missing and unreadable files are reported already.
        if (error instanceof Error && 'code' in error) return false
        throw error
      }
      const same = byDigest.get(digest)
      const kept = { ...record, annotations: [] }
      if (same === undefined) byDigest.set(digest, [kept])
      else same.push(kept)
      return same === undefined
    },
    finish() {
      for (const [first, ...others] of byDigest.values()) {
        for (const other of others) {
          const isLeak = first?.split !== other.split
          const where = isLeak
            ? `${other.path} (${other.split}) and ${first?.path} (${first?.split})`
            : `${other.path} and ${first?.path}`
          findings.add(isLeak ? 'content-leak' : 'content-duplicate', where)
        }
      }
    },
  }
}

/** Undefined, with a finding, where pictures cannot be decoded. */
async function createSimilarCheck(findings: FindingCollector) {
  const sharp = await loadSharp('Finding images that look the same').catch((error: unknown) => {
    if (!(error instanceof MissingPackageError)) throw error
    findings.add('similar-unchecked', error.message)
    return undefined
  })
  if (sharp === undefined) return undefined
  const pictures = new SimilarPictures<Pick<ImageRecord, 'path' | 'split'>>()
  return {
    async add({ path, split }: ImageRecord, file: string) {
      const hash = await hashPicture(sharp, file)
      const known = hash && pictures.add(hash, { path, split })
      if (known === undefined) return
      const isLeak = known.split !== split
      const where = isLeak ? `${path} (${split}) and ${known.path} (${known.split})` : `${path} and ${known.path}`
      findings.add(isLeak ? 'similar-leak' : 'similar-images', where)
    },
  }
}

async function findOrphans(
  dir: string,
  { files, isAnnotation }: { files: ReadonlySet<string>; isAnnotation: DatasetReader['isAnnotationFile'] },
  findings: FindingCollector,
  signal: AbortSignal | undefined,
): Promise<void> {
  const named = new Set([...files].map((file) => resolve(file)))
  for (const path of (await listFiles(dir, { signal })).files) {
    // Masks of Pascal VOC are images too.
    if (/(?:^|\/)Segmentation(?:Class|Object)[^/]*\//.test(path) || isAnnotation?.(path)) continue
    if (IMAGE_NAME.test(path) && !named.has(resolve(dir, path))) findings.add('image-orphan', path)
  }
}

function checkClasses(
  classes: DatasetReport['classes'],
  splits: DatasetReport['splits'],
  findings: FindingCollector,
): void {
  const names = new Map<string, string>()
  for (const { name, annotations, splits: own } of classes) {
    if (annotations === 0) findings.add('class-empty', JSON.stringify(name))
    const missing = (['train', 'val'] as const).filter((split) => splits[split].images > 0 && own[split] === 0)
    if (annotations > 0 && missing.length > 0)
      findings.add('class-missing-in-split', `${JSON.stringify(name)} in ${missing.join(' and ')}`)
    const folded = name.normalize('NFC').trim().toLowerCase()
    const other = names.get(folded)
    if (folded === '') findings.add('class-name', JSON.stringify(name))
    else if (other !== undefined) findings.add('class-name', `${JSON.stringify(name)} and ${JSON.stringify(other)}`)
    names.set(folded, name)
  }
}

/** A dataset without splits is fine: it gets some when it is used. */
function checkSplits(images: number, splits: DatasetReport['splits'], findings: FindingCollector): void {
  if (images === 0) findings.add('dataset-empty', 'no image')
  if (images === 0 || splits.unsplit.images > 0) return
  for (const split of SplitNames.options) {
    if (split !== 'test' && splits[split].images === 0) findings.add('split-empty', split)
  }
}

function rangeOf(values: number[]): Range | undefined {
  const sorted = values.sort((a, b) => a - b)
  const [min, median, max] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
  return min === undefined || median === undefined || max === undefined ? undefined : { min, median, max }
}
