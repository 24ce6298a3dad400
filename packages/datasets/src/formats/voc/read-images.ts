import { join, posix } from 'node:path'
import type { SplitName, TaskType } from '@trainyard/contract'
import { MaskError } from '../../errors.ts'
import { countSkipped } from '../../files/count-skipped.ts'
import { type FileListing, IMAGE_NAME } from '../../files/list-files.ts'
import { toPortablePath } from '../../files/portable-path.ts'
import { splitExtension } from '../../files/split-extension.ts'
import { findRecordSize } from '../../record/find-record-size.ts'
import type { Annotation, ImageRecord } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'
import { childText, findChild, type XmlElement } from '../../xml/parse-xml.ts'
import { countOthers } from '../count-others.ts'
import { readAnnotationXml } from './annotation-xml.ts'
import { ImageFinder, XML_FOLDER } from './image-finder.ts'
import type { VocLabels } from './labels.ts'
import { toVocAnnotation } from './object.ts'
import { type MaskPaths, readMasks } from './read-masks.ts'

/** XML, and the lists of a devkit. */
const OWN_FILE = /\.xml$|(?:^|\/)ImageSets\/|(?:^|\/)(?:classes|labels|labelmap)\.txt$/i
const MASK_FOLDER = /(?:^|\/)Segmentation(?:Class|Object)[^/]*\//
/** Stands in for the XML of an image that has masks only. */
const NO_XML: XmlElement = { name: 'annotation', text: '', attributes: new Map(), children: [] }

/** Everything that is known of a VOC dataset before its images are read. */
export interface VocSurvey {
  dir: string
  listing: FileListing
  xmlPaths: readonly string[]
  /** By the key of the image. */
  masks: ReadonlyMap<string, MaskPaths>
  labels: VocLabels
  /** Class ids by name. */
  classIds: ReadonlyMap<string, number>
  taskType: TaskType
  /** By the key of the image. */
  splits: ReadonlyMap<string, SplitName>
  /** Whether an object of the dataset is a polygon. */
  hasPolygons: boolean
  /** Keys of the images whose XML file cannot be read. */
  broken: ReadonlySet<string>
  oneBased: boolean
  outlines: boolean
}

/** Reads the images of a VOC dataset, one XML file at a time. */
export class VocImageReader {
  readonly #survey: VocSurvey
  readonly #losses: LossCounter
  readonly #images: ImageFinder

  constructor(survey: VocSurvey, losses: LossCounter) {
    this.#survey = survey
    this.#losses = losses
    this.#images = new ImageFinder(survey.listing.files)
  }

  async *read(signal: AbortSignal | undefined): AsyncGenerator<ImageRecord> {
    const { dir, listing, xmlPaths, masks } = this.#survey
    countSkipped(listing, this.#losses)
    const seen = new Set<string>()
    const annotated = new Set(xmlPaths.map(keyOf))
    const others = [...masks].filter(([key]) => !annotated.has(key)).map(([, { xml }]) => xml)
    for (const path of [...xmlPaths, ...others]) {
      signal?.throwIfAborted()
      const root = annotated.has(keyOf(path)) ? await readAnnotationXml(dir, path) : NO_XML
      const record = await this.#toRecord(path, root)
      if (record === undefined) continue
      if (seen.has(record.path)) this.#losses.add('image-duplicate', `${path} describes ${record.path} again`)
      else yield record
      seen.add(record.path)
    }
    countOthers({
      dir,
      files: listing.files,
      isOwn: (path) => OWN_FILE.test(path) || MASK_FOLDER.test(path),
      isRead: (path) => seen.has(path) || this.#isBroken(path),
      unread: 'no XML file names it',
      losses: this.#losses,
    })
  }

  /** Counted already, with the reason. */
  #isBroken(path: string): boolean {
    return keyOfImage(path).some((key) => this.#survey.broken.has(key))
  }

  async #toRecord(path: string, root: XmlElement): Promise<ImageRecord | undefined> {
    const { dir, splits, masks } = this.#survey
    const { devkit, stem } = locate(path)
    const name = childText(root, 'filename') ?? ''
    const image = this.#images.find(devkit, stem, root === NO_XML ? `${stem}.jpg` : name)
    if (name !== '' && toPortablePath(name) === undefined)
      this.#losses.add('image-unsafe-path', `filename in ${path} is ${JSON.stringify(name)}`)
    const objects = this.#toObjects(path, root)
    const size = findChild(root, 'size')
    const record: ImageRecord = {
      path: image.path,
      file: image.exists ? join(dir, image.path) : undefined,
      width: readSide(childText(size, 'width')),
      height: readSide(childText(size, 'height')),
      split: splits.get(keyOf(path)) ?? findSplitOfFolder(path.split('/')[0] ?? ''),
      annotations: objects.filter((object) => object !== undefined),
    }
    return masks.size > 0 ? this.#withMasks(record, path, objects) : record
  }

  /** Undefined for each object that cannot be used: masks refer to objects by their position. */
  #toObjects(path: string, root: XmlElement): (Annotation | undefined)[] {
    const { classIds, oneBased } = this.#survey
    return root.children
      .filter(({ name }) => name === 'object')
      .map((object) => {
        const className = childText(object, 'name') ?? ''
        const seen = `${JSON.stringify(className)} in ${path}`
        const classId = classIds.get(className)
        if (classId === undefined) {
          this.#losses.add('annotation-of-unknown-class', `${seen} is not in the class list`)
          return undefined
        }
        const annotation = toVocAnnotation(object, classId, oneBased)
        if (annotation === undefined) this.#losses.add('annotation-invalid', seen)
        return annotation
      })
  }

  /** Undefined, and counted, for an image whose objects are not known. */
  async #withMasks(
    record: ImageRecord,
    path: string,
    objects: readonly (Annotation | undefined)[],
  ): Promise<ImageRecord | undefined> {
    const { dir, masks, labels, taskType, hasPolygons, outlines } = this.#survey
    const losses = this.#losses
    const paths = masks.get(keyOf(path))
    if (paths === undefined) {
      if (taskType !== 'segmentation' || objects.length === 0 || hasPolygons) return record
      losses.add('image-without-label', `${record.path} has boxes and no mask: left out`)
      return undefined
    }
    if (objects.length > 0 && (!outlines || taskType !== 'segmentation')) {
      losses.add('mask-dropped', `${paths.objects ?? paths.classes} is for the task segmentation`)
      return record
    }
    try {
      const read = await readMasks(paths, { dir, labels, size: findRecordSize(record), objects, losses })
      return { ...record, ...read }
    } catch (error) {
      if (!(error instanceof MaskError)) throw error
      losses.add(error.reason, `${error.message}; ${record.path} is left out`)
      return undefined
    }
  }
}

/** Identifies an image in the lists of a devkit and among its masks. */
export function keyOf(xmlPath: string): string {
  const { devkit, stem } = locate(xmlPath)
  return posix.join(devkit ?? '.', stem)
}

/** The keys that an image can have: of its devkit, or of the XML file beside it. Empty for other files. */
export function keyOfImage(path: string): string[] {
  if (!IMAGE_NAME.test(path)) return []
  const { stem } = splitExtension(path)
  const [, devkit = '.', inside] = /^(?:(.*)\/)?(?:JPEGImages|Images|images)\/(.+)$/.exec(stem) ?? []
  return inside === undefined ? [stem] : [posix.join(devkit, inside), stem]
}

/** `VOC2012/Annotations/a/1.xml` is `a/1` of the devkit in `VOC2012`. A file elsewhere belongs to no devkit. */
function locate(xmlPath: string): { devkit: string | undefined; stem: string } {
  const parts = xmlPath.slice(0, -'.xml'.length).split('/')
  const at = parts.findIndex((part, index) => index < parts.length - 1 && XML_FOLDER.test(part))
  if (at === -1) return { devkit: undefined, stem: parts.join('/') }
  return { devkit: parts.slice(0, at).join('/') || '.', stem: parts.slice(at + 1).join('/') }
}

function readSide(text: string | undefined): number {
  const side = Number(text)
  return Number.isSafeInteger(side) && side > 0 ? side : 0
}
