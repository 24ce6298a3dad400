import { readFile, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { SplitName, TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { IMAGE_NAME, listFiles } from '../../files/list-files.ts'
import { toPortablePath } from '../../files/portable-path.ts'
import { splitExtension } from '../../files/split-extension.ts'
import { toClasses } from '../../record/classes.ts'
import { findRecordSize } from '../../record/find-record-size.ts'
import type { Annotation, DatasetReader, ImageRecord, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'
import { childText, findChild, parseXml, type XmlElement } from '../../xml/parse-xml.ts'
import { readVocLabels } from './labels.ts'
import { MaskError } from './load-mask.ts'
import { toVocAnnotation } from './object.ts'
import { findMasks, readMasks } from './read-masks.ts'

const MASK_FOLDER = /(?:^|\/)Segmentation(?:Class|Object)[^/]*\//
const IMAGE_FOLDERS = ['JPEGImages', 'Images', 'images']
/** For an image that has masks and no XML file. */
const NO_XML: XmlElement = { name: 'annotation', text: '', children: [] }
const MAX_XML_BYTES = 64 * 1024 * 1024

/**
 * Opens Pascal VOC: the devkit's folders (`Annotations`, `JPEGImages`, `ImageSets/Main`) at any depth, or XML files beside
 * their images, in folders named after splits or not. Without a `classes.txt` the classes are the names in order.
 * Where every image has masks (or with the task `segmentation` any), they are the objects, and images without are left out.
 */
export async function readVoc(
  dir: string,
  { signal, vocOneBased = false, outlines = true, task, name = `"${dir}"` }: ReadOptions = {},
): Promise<DatasetReader> {
  const { files, skipped } = await listFiles(dir, signal)
  const annotationFiles = files.filter((path) => /\.xml$/i.test(path) && !path.includes('ImageSets/'))
  const masks = findMasks(files)
  if (annotationFiles.length === 0 && masks.size === 0)
    throw new DatasetError(`No Pascal VOC annotations (*.xml) in ${name}`, { reason: 'no-annotations' })
  const images = createImageFinder(files)
  const { names, shapes } = await collectNames(dir, annotationFiles, signal)
  const labels = await readVocLabels(dir, names, masks.size > 0)
  const classes = toClasses(labels.names)
  const classIds = new Map(classes.map(({ id, name }) => [name, id]))
  const losses = new LossCounter()
  const isMasked = masks.size > 0 && annotationFiles.every((path) => masks.has(keyOf(path)))
  const taskType: TaskType =
    task ?? (shapes.has('robndbox') ? 'obb' : shapes.has('polygon') || isMasked ? 'segmentation' : 'detection')
  const splits = await readImageSets(dir, files, taskType === 'segmentation' ? 'Segmentation' : 'Main')

  return {
    format: 'voc',
    taskType,
    classes,
    losses,
    async *images() {
      for (const path of skipped) losses.add('image-unsafe-path', path)
      const seen = new Set<string>()
      const annotated = new Set(annotationFiles.map(keyOf))
      const others = [...masks].filter(([key]) => !annotated.has(key)).map(([, { xml }]) => xml)
      for (const path of [...annotationFiles, ...others]) {
        signal?.throwIfAborted()
        const record = await toRecord(path, annotated.has(keyOf(path)) ? await readXml(dir, path) : NO_XML)
        if (record === undefined) continue
        if (seen.has(record.path)) losses.add('image-duplicate', `${path} is one more annotation of ${record.path}`)
        else yield record
        seen.add(record.path)
      }
      for (const path of files) {
        if (IMAGE_NAME.test(path) && !seen.has(path) && !MASK_FOLDER.test(path))
          losses.add('image-unlabelled', `${path} has no XML file`)
      }
    },
  }

  async function toRecord(path: string, root: XmlElement): Promise<ImageRecord | undefined> {
    const { devkit, stem } = locate(path)
    const name = childText(root, 'filename') ?? ''
    // Without any name it is the devkit's.
    const image = images.find(devkit, stem, root === NO_XML ? `${stem}.jpg` : name)
    if (name !== '' && toPortablePath(name) === undefined)
      losses.add('image-unsafe-path', `filename in ${path} is ${JSON.stringify(name)}`)
    // With a gap for each that is none: masks count them.
    const objects: (Annotation | undefined)[] = []
    for (const object of root.children) {
      if (object.name !== 'object') continue
      const className = childText(object, 'name') ?? ''
      const classId = classIds.get(className)
      const annotation = classId === undefined ? undefined : toVocAnnotation(object, classId, vocOneBased)
      if (classId === undefined)
        losses.add('annotation-of-unknown-class', `${JSON.stringify(className)} in ${path} is not in the class list`)
      else if (annotation === undefined) losses.add('annotation-invalid', `${JSON.stringify(className)} in ${path}`)
      objects.push(annotation)
    }
    const size = findChild(root, 'size')
    const record: ImageRecord = {
      path: image.path,
      ...(image.isThere ? { file: join(dir, image.path) } : {}),
      width: readSide(childText(size, 'width')),
      height: readSide(childText(size, 'height')),
      split: splits.get(posix.join(devkit ?? '.', stem)) ?? findSplitOfFolder(path.split('/')[0] ?? ''),
      annotations: objects.filter((object) => object !== undefined),
    }
    return masks.size > 0 ? withMasks(record, path, objects) : record
  }

  /** Undefined for an image whose objects are not known. */
  async function withMasks(record: ImageRecord, path: string, objects: readonly (Annotation | undefined)[]) {
    const paths = masks.get(keyOf(path))
    if (paths === undefined) {
      const isLeftOut = taskType === 'segmentation' && objects.length > 0 && !shapes.has('polygon')
      if (isLeftOut) losses.add('image-without-label', `${record.path} has boxes and no mask: left out`)
      return isLeftOut ? undefined : record
    }
    if (objects.length > 0 && (!outlines || taskType !== 'segmentation')) {
      losses.add('mask-dropped', `${paths.objects ?? paths.classes} is of the task segmentation`)
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

/** The key of an image in the lists and among the masks. */
function keyOf(path: string): string {
  const { devkit, stem } = locate(path)
  return posix.join(devkit ?? '.', stem)
}

/** `VOC2012/Annotations/a/1.xml` is `a/1` of the devkit folder `VOC2012`; a file elsewhere belongs to none. */
function locate(path: string): { devkit: string | undefined; stem: string } {
  const parts = path.slice(0, -'.xml'.length).split('/')
  const at = parts.indexOf('Annotations')
  if (at === -1) return { devkit: undefined, stem: parts.join('/') }
  return { devkit: parts.slice(0, at).join('/') || '.', stem: parts.slice(at + 1).join('/') }
}

function createImageFinder(files: readonly string[]) {
  const fold = (path: string) => path.normalize('NFC').toLowerCase()
  const exact = new Set(files)
  const byStem = new Map<string, string>()
  for (const path of files) {
    const key = fold(splitExtension(path).stem)
    if (IMAGE_NAME.test(path) && !byStem.has(key)) byStem.set(key, path)
  }
  return {
    /** By the name in the file, else by the XML's own: tools rename images and forget the one or the other. */
    find(devkit: string | undefined, stem: string, name: string): { path: string; isThere: boolean } {
      const folders = devkit === undefined ? ['.'] : IMAGE_FOLDERS.map((folder) => posix.join(devkit, folder))
      const inFolder = posix.dirname(stem)
      const named = toPortablePath(name)
      // With its folder already in the name, or with the folder of the XML.
      const names =
        named === undefined
          ? []
          : named.includes('/')
            ? [named, posix.join(inFolder, named)]
            : [posix.join(inFolder, named), named]
      const candidates = folders.flatMap((folder) => [...names, stem].map((path) => posix.join(folder, path)))
      for (const path of candidates) if (exact.has(path) && IMAGE_NAME.test(path)) return { path, isThere: true }
      for (const path of candidates) {
        const found = byStem.get(fold(path)) ?? byStem.get(fold(splitExtension(path).stem))
        if (found !== undefined) return { path: found, isThere: true }
      }
      return { path: candidates[0] ?? stem, isThere: false }
    },
  }
}

/**
 * `ImageSets/Main/{train,val,test}.txt`: a stem a line. `trainval` and the lists of a class (`cat_train`) say nothing more.
 * The devkit splits its images for each task anew: the lists of `first` win.
 */
async function readImageSets(
  dir: string,
  files: readonly string[],
  first: 'Main' | 'Segmentation',
): Promise<Map<string, SplitName>> {
  const own = new Map<string, SplitName>()
  const others = new Map<string, SplitName>()
  for (const path of files) {
    const match = /^(?:(.*)\/)?ImageSets\/(Main|Segmentation|Layout)\/([^/]+)\.txt$/.exec(path)
    const split = match === null ? undefined : findSplitOfFolder(match[3] ?? '')
    if (match === null || split === undefined) continue
    const splits = match[2] === first ? own : others
    for (const line of (await readFile(join(dir, path), 'utf8')).split(/\r?\n/)) {
      const stem = toPortablePath(line.trim().replace(/^"(.*)"$/, '$1'))
      const key = stem === undefined ? undefined : posix.join(match[1] ?? '.', stem)
      if (key === undefined) continue
      // An image in two lists stays in the one that must not leak: test before val before train.
      const known = splits.get(key)
      if (known === undefined || known === 'train' || split === 'test') splits.set(key, split)
    }
  }
  return new Map([...others, ...own])
}

async function collectNames(dir: string, files: readonly string[], signal: AbortSignal | undefined) {
  const names = new Set<string>()
  const shapes = new Set<string>()
  for (const path of files) {
    signal?.throwIfAborted()
    for (const object of (await readXml(dir, path)).children) {
      if (object.name !== 'object') continue
      const name = childText(object, 'name')
      if (name) names.add(name)
      for (const { name: shape } of object.children) shapes.add(shape)
    }
  }
  return { names, shapes }
}

async function readXml(dir: string, path: string): Promise<XmlElement> {
  const { size } = await stat(join(dir, path))
  if (size > MAX_XML_BYTES)
    throw new DatasetError(`${path} has ${size} bytes; wanted are at most ${MAX_XML_BYTES} for one image`)
  const bytes = await readFile(join(dir, path))
  const root = parseXml(decodeXml(bytes, path), path)
  if (root.name !== 'annotation') throw new DatasetError(`${path} starts with <${root.name}>; wanted is <annotation>`)
  return root
}

/** By its byte order mark, else as the declaration says, else UTF-8. */
function decodeXml(bytes: Uint8Array, path: string): string {
  const head = Buffer.from(bytes.subarray(0, 200)).toString('latin1')
  const declared = /^<\?xml[^>]*\bencoding\s*=\s*["']([\w.-]+)["']/.exec(head)?.[1]
  const mark =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : undefined
  try {
    return new TextDecoder(mark ?? declared ?? 'utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new DatasetError(`${path} is not text in ${mark ?? declared ?? 'utf-8'}`, { cause: error })
  }
}

function readSide(text: string | undefined): number {
  const side = Number(text)
  return Number.isSafeInteger(side) && side > 0 ? side : 0
}
