import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import type { TaskType } from '@trainyard/contract'
import { countSkipped } from '../../files/count-skipped.ts'
import type { FileListing } from '../../files/list-files.ts'
import { toPortablePath } from '../../files/portable-path.ts'
import { splitExtension } from '../../files/split-extension.ts'
import type { ImageRecord } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'
import { countOthers } from '../count-others.ts'
import { readLabelMeFile } from './json-file.ts'
import type { KeypointNames, LabelMeFile } from './schema.ts'
import { toAnnotations } from './shapes.ts'

/** Lists of labels, as LabelMe's own tools use them, and our own. */
const OWN_FILE = /(?:^|\/)(?:labels|flags|classes|class_names)\.txt$|(?:^|\/)keypoints\.json$/i
const SUFFIXES = ['.jpg', '.jpeg', '.png', '.JPG', '.JPEG', '.PNG']

export interface LabelMeImageReaderOptions {
  dir: string
  listing: FileListing
  jsonPaths: readonly string[]
  /** JSON files that cannot be read. Counted already. */
  broken: ReadonlySet<string>
  /** Class ids by name. */
  classIds: ReadonlyMap<string, number>
  taskType: TaskType
  /** For pose: the keypoints of each class. */
  keypoints: KeypointNames | undefined
  losses: LossCounter
}

/** Reads the images of a LabelMe dataset, one JSON file at a time. */
export class LabelMeImageReader {
  readonly #options: LabelMeImageReaderOptions
  readonly #files: ReadonlySet<string>
  /** Folder of the images that were inside JSON files. */
  #unpacked: string | undefined

  constructor(options: LabelMeImageReaderOptions) {
    this.#options = options
    this.#files = new Set(options.listing.files)
  }

  async *read(signal: AbortSignal | undefined): AsyncGenerator<ImageRecord> {
    const { dir, listing, jsonPaths, broken, losses } = this.#options
    countSkipped(listing, losses)
    const seen = new Set<string>()
    for (const path of jsonPaths) {
      signal?.throwIfAborted()
      const record = await this.#toRecord(path, await readLabelMeFile(dir, path))
      if (seen.has(record.path)) losses.add('image-duplicate', `${path} describes ${record.path} again`)
      else yield record
      seen.add(record.path)
    }
    const own = new Set([...jsonPaths, ...broken])
    countOthers({
      dir,
      files: listing.files,
      isOwn: (path) => own.has(path) || OWN_FILE.test(path),
      isRead: (path) => seen.has(path) || broken.has(`${splitExtension(path).stem}.json`),
      unread: 'no JSON file names it',
      losses,
    })
  }

  async close(): Promise<void> {
    if (this.#unpacked !== undefined) await rm(this.#unpacked, { recursive: true, force: true })
  }

  async #toRecord(path: string, file: LabelMeFile): Promise<ImageRecord> {
    const { dir, classIds, taskType, keypoints, losses } = this.#options
    const imagePath = this.#findImage(path, file)
    const width = file.imageWidth ?? 0
    const height = file.imageHeight ?? 0
    const flags = file.flags ?? {}
    const annotations = toAnnotations(file.shapes, { path, width, height, classIds, keypoints, losses })
    const isClassification = taskType === 'classification'
    if (isClassification) {
      for (const [name, isSet] of Object.entries(flags)) {
        const classId = classIds.get(name)
        if (isSet && classId !== undefined) annotations.push({ kind: 'class', classId })
      }
    }
    return {
      path: imagePath,
      file: this.#files.has(imagePath) ? join(dir, imagePath) : await this.#unpackImage(imagePath, file),
      width,
      height,
      split: findSplitOfFolder(path.split('/')[0] ?? ''),
      annotations,
      attributes: isClassification || Object.keys(flags).length === 0 ? undefined : { flags },
    }
  }

  /**
   * `imagePath` is relative to the JSON file and written on any system. Where it leads out of the dataset, only its file
   * name counts.
   */
  #findImage(path: string, { imagePath }: LabelMeFile): string {
    const folder = posix.dirname(path) === '.' ? '' : posix.dirname(path)
    const named = toPortablePath(imagePath ?? '', folder)
    if (named !== undefined && this.#files.has(named)) return named
    if (named === undefined)
      this.#options.losses.add('image-unsafe-path', `imagePath in ${path} is ${JSON.stringify(imagePath)}`)
    const baseName = (imagePath ?? '').split(/[\\/]/).at(-1) ?? ''
    const beside = toPortablePath(baseName, folder)
    if (beside !== undefined && beside !== folder && this.#files.has(beside)) return beside
    const { stem } = splitExtension(path)
    const sibling = SUFFIXES.map((suffix) => stem + suffix).find((name) => this.#files.has(name))
    return sibling ?? named ?? beside ?? `${stem}.jpg`
  }

  /** Writes the image inside the JSON file to a temporary folder, for a dataset without the image file. */
  async #unpackImage(path: string, { imageData }: LabelMeFile): Promise<string | undefined> {
    if (typeof imageData !== 'string' || imageData === '') return undefined
    this.#unpacked ??= await mkdtemp(join(tmpdir(), 'trainyard-labelme-'))
    const name = Buffer.from(path).toString('base64url').slice(-200)
    const file = join(this.#unpacked, `${name}${splitExtension(path).extension}`)
    await writeFile(file, Buffer.from(imageData, 'base64'))
    return file
  }
}
