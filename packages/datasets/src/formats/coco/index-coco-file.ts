import { open } from 'node:fs/promises'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { NotCocoError } from '../../errors.ts'
import { cutJson, type JsonElement } from '../../json/cut-json.ts'
import { ElementKeys } from '../../json/element-keys.ts'
import { groupByImage } from '../../json/group-by-image.ts'
import { createFloat64, createUint32, NumberList } from '../../json/number-list.ts'
import { scanValue } from '../../json/scan-value.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { fileNameOfUrl } from './file-name.ts'
import type { CocoFile } from './find-coco-files.ts'
import { findRotation } from './rotation.ts'

type Offsets = Float64Array<SharedArrayBuffer>
type Numbers = Uint32Array<SharedArrayBuffer>

/** Where the images and annotations of a COCO file are: 16 bytes an annotation, in memory that worker threads share. */
export interface CocoIndex extends CocoFile {
  imageOffsets: Offsets
  imageLengths: Numbers
  /** Position of each image in its array, for messages. */
  imageNumbers: Numbers
  /** Annotations of image `i` are those from `starts[i]` to `starts[i + 1]`, in the order of the file. */
  starts: Numbers
  annotationOffsets: Offsets
  annotationLengths: Numbers
  /** Position of each annotation in its array, for messages. */
  annotationNumbers: Numbers
  /** 1 for each image that another file of the dataset describes too, and that is read from there. */
  repeated?: Uint8Array<SharedArrayBuffer> | undefined
}

export interface IndexedCocoFile {
  index: CocoIndex
  categories: readonly unknown[]
  /** `info`, `licenses` and the other members at the top of the file. */
  members: Record<string, unknown>
  hasPolygons: boolean
  hasKeypoints: boolean
  /** A box is rotated by an attribute. */
  hasRotation: boolean
  losses: LossCounter
  /** The `file_name` of each image. */
  fileNames: string[]
}

/** Annotations that are parsed to find out which geometry the file holds. */
const SAMPLE = 1000
const FILE_NAME = Buffer.from('"file_name"')
const COCO_URL = Buffer.from('"coco_url"')

/** Reads a COCO file once from start to end, whatever the order of its members. Throws `NotCocoError` for a list, and for an object without any member of COCO. */
export async function indexCocoFile(source: CocoFile, signal?: AbortSignal): Promise<IndexedCocoFile> {
  if (await isJsonList(source.file)) throw new NotCocoError(`${source.name} is a list`)
  const indexer = new Indexer(source.name)
  const members = await cutJson(source.file, source.name, {
    arrays: {
      images: { onElement: (element) => indexer.addImage(element), find: 'id' },
      annotations: { onElement: (element) => indexer.addAnnotation(element), find: 'image_id' },
    },
    signal,
  })
  return indexer.build(source, members)
}

class Indexer {
  readonly #name: string
  readonly #losses = new LossCounter()
  readonly #keys = new ElementKeys()
  readonly #imageByKey = new Map<number, number>()
  readonly #imageByName = new Map<string, number>()
  readonly #imageOffsets = new NumberList(createFloat64)
  readonly #imageLengths = new NumberList(createUint32)
  readonly #imageNumbers = new NumberList(createUint32)
  /** Of annotations: the key of the image, and the position in the file. */
  readonly #imageKeys = new NumberList(createFloat64)
  readonly #offsets = new NumberList(createFloat64)
  readonly #lengths = new NumberList(createUint32)
  #hasPolygons = false
  #hasKeypoints = false
  #hasRotation = false

  constructor(name: string) {
    this.#name = name
  }

  addImage({ bytes, words, start, end, offset, found, index }: JsonElement): void {
    const key = this.#keys.read(bytes, found, end)
    const place = `images[${index}] in ${this.#name}`
    const fileName = readFileName(bytes, words, start, end)
    if (Number.isNaN(key) || fileName === undefined) {
      const missing = Number.isNaN(key)
        ? '"id"; expected a number or text'
        : '"file_name"; expected the path of the image'
      this.#losses.add('image-invalid', `${place} has no ${missing}`)
      return
    }
    const byKey = this.#imageByKey.get(key)
    const byName = this.#imageByName.get(fileName)
    if (byKey !== undefined && byKey !== byName) {
      const [id] = /^(?:"[^"]*"|[^,\s}]*)/.exec(bytes.toString('utf8', found, Math.min(end, found + 100))) ?? []
      throw new DatasetError(`${place} has the id ${id}; expected a unique id, but another image has it too`)
    }
    if (byName !== undefined) {
      // One image with two ids has the annotations of both.
      this.#losses.add('image-duplicate', `${place} names ${JSON.stringify(fileName)} again`)
      this.#imageByKey.set(key, byName)
      return
    }
    const number = this.#imageOffsets.length
    this.#imageByKey.set(key, number)
    this.#imageByName.set(fileName, number)
    this.#imageOffsets.push(offset)
    this.#imageLengths.push(end - start)
    this.#imageNumbers.push(index)
  }

  addAnnotation({ bytes, start, end, offset, found, index }: JsonElement): void {
    this.#imageKeys.push(this.#keys.read(bytes, found, end))
    this.#offsets.push(offset)
    this.#lengths.push(end - start)
    if (index >= SAMPLE) return
    const { segmentation, keypoints, attributes } = parseSample(bytes, start, end)
    this.#hasPolygons ||= Array.isArray(segmentation) ? segmentation.length > 0 : typeof segmentation === 'object'
    this.#hasRotation ||= findRotation(attributes) !== undefined
    this.#hasKeypoints ||= Array.isArray(keypoints) && keypoints.some((value) => value !== 0)
  }

  build(source: CocoFile, members: Record<string, unknown>): IndexedCocoFile {
    const { categories, images, annotations, ...others } = members
    if (images !== undefined) throw this.#unexpected('images', images)
    if (annotations !== undefined && annotations !== null) throw this.#unexpected('annotations', annotations)
    if (!this.#hasImages() && !Array.isArray(categories) && annotations === undefined)
      throw new NotCocoError(`${this.#name} has neither images nor categories`)
    if (!Array.isArray(categories)) throw this.#unexpected('categories', categories)
    const grouped = groupByImage(this.#imageOffsets.length, this.#imageKeys, this.#imageByKey)
    for (const number of grouped.orphans)
      this.#losses.add('annotation-of-missing-image', `annotations[${number}] in ${this.#name}`)
    const { order, starts } = grouped
    const annotationOffsets = createFloat64(order.length)
    const annotationLengths = createUint32(order.length)
    for (let at = 0; at < order.length; at++) {
      annotationOffsets[at] = this.#offsets.get(order[at] as number)
      annotationLengths[at] = this.#lengths.get(order[at] as number)
    }
    return {
      index: {
        ...source,
        imageOffsets: this.#imageOffsets.toArray(),
        imageLengths: this.#imageLengths.toArray(),
        imageNumbers: this.#imageNumbers.toArray(),
        starts,
        annotationOffsets,
        annotationLengths,
        annotationNumbers: order,
      },
      categories,
      members: others,
      hasPolygons: this.#hasPolygons,
      hasKeypoints: this.#hasKeypoints,
      hasRotation: this.#hasRotation,
      losses: this.#losses,
      fileNames: [...this.#imageByName.keys()],
    }
  }

  #hasImages(): boolean {
    return this.#imageOffsets.length > 0 || this.#imageByName.size > 0
  }

  #unexpected(member: string, value: unknown): DatasetError {
    const seen = value === undefined ? 'missing' : (JSON.stringify(value) ?? String(value)).slice(0, 100)
    return new DatasetError(`"${member}" in ${this.#name} is ${seen}; expected a list of ${member}`)
  }
}

function readFileName(bytes: Buffer, words: Int32Array, start: number, end: number): string | undefined {
  return readText(bytes, words, start, end, FILE_NAME) ?? fileNameOfUrl(readText(bytes, words, start, end, COCO_URL))
}

/** The text of a member. Undefined when it does not exist or is not text. */
function readText(bytes: Buffer, words: Int32Array, start: number, end: number, member: Buffer): string | undefined {
  const result = { found: -1 }
  scanValue(bytes, start, end, words, member, result)
  if (result.found < 0 || bytes[result.found] !== 0x22) return undefined
  let close = result.found + 1
  while (close < end && bytes[close] !== 0x22) close += bytes[close] === 0x5c ? 2 : 1
  const raw = bytes.toString('utf8', result.found, close + 1)
  return raw.includes('\\') ? unquote(raw) : raw.slice(1, -1)
}

/** Whether a file begins with `[`: the results of a model, for example. */
async function isJsonList(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0)
    return /^\ufeff?\s*\[/.test(buffer.toString('utf8', 0, bytesRead))
  } finally {
    await file.close()
  }
}

function unquote(raw: string): string {
  try {
    return String(JSON.parse(raw))
  } catch {
    // Reported with its reason when the whole image is parsed.
    return raw
  }
}

/** An annotation of the first ones. Without members if it is damaged, which is counted when its image is read. */
function parseSample(bytes: Buffer, start: number, end: number): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8', start, end))
  } catch {
    return {}
  }
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
