import { DatasetError } from '@trainyard/contract/trainer-errors'
import { cutJson, type JsonElement } from '../../json/cut-json.ts'
import { ElementKeys } from '../../json/element-keys.ts'
import { explainJsonError } from '../../json/explain-json-error.ts'
import { groupByImage } from '../../json/group-by-image.ts'
import { createFloat64, createUint32, NumberList } from '../../json/number-list.ts'
import { scanValue } from '../../json/scan-value.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import type { CocoFile } from './find-coco-files.ts'

type Offsets = Float64Array<SharedArrayBuffer>
type Numbers = Uint32Array<SharedArrayBuffer>

/** Where everything lies in a COCO file: 16 bytes an annotation, in memory that worker threads share. */
export interface CocoIndex extends CocoFile {
  imageOffsets: Offsets
  imageLengths: Numbers
  /** Annotations of image `i` are those from `starts[i]` to `starts[i + 1]`, in the order of the file. */
  starts: Numbers
  annotationOffsets: Offsets
  annotationLengths: Numbers
  /** Place of each annotation in its array: what messages name. */
  annotationNumbers: Numbers
}

export interface IndexedCocoFile {
  index: CocoIndex
  categories: Record<string, unknown>[]
  /** `info`, `licenses` and whatever else stands at the top. */
  members: Record<string, unknown>
  hasPolygons: boolean
  hasKeypoints: boolean
  losses: LossCounter
  /** The `file_name` of each image. */
  fileNames: string[]
}

/** So many annotations are looked into for the geometry that the file holds. */
const SAMPLE = 1000
const FILE_NAME = Buffer.from('"file_name"')

/** Reads a COCO file once, from its beginning to its end, whatever the order of its members. */
export async function indexCocoFile(source: CocoFile, signal?: AbortSignal): Promise<IndexedCocoFile> {
  const { file, name } = source
  const losses = new LossCounter()
  const imageKeys = new ElementKeys()
  const imageByKey = new Map<number, number>()
  const imageByName = new Map<string, number>()
  const imageOffsets = new NumberList(createFloat64)
  const imageLengths = new NumberList(createUint32)
  const keys = new NumberList(createFloat64)
  const offsets = new NumberList(createFloat64)
  const lengths = new NumberList(createUint32)
  let hasPolygons = false
  let hasKeypoints = false

  const addImage = ({ bytes, words, start, end, offset, found, index }: JsonElement) => {
    const key = imageKeys.read(bytes, found, end)
    const place = `images[${index}] in ${name}`
    if (Number.isNaN(key)) throw new DatasetError(`${place} has no "id"; wanted is a number or text`)
    const fileName = readFileName(bytes, words, start, end, place)
    const known = imageByKey.get(key) ?? imageByName.get(fileName)
    if (known !== undefined) {
      const isSame = imageByKey.get(key) === imageByName.get(fileName)
      const [id] = /^(?:"[^"]*"|[^,\s}]*)/.exec(bytes.toString('utf8', found, Math.min(end, found + 100))) ?? []
      if (!isSame && imageByKey.has(key)) {
        throw new DatasetError(`${place} has the id ${id}, which another image has; wanted is one image for each id`)
      }
      // One picture under two ids: the annotations of both are its own.
      losses.add('image-duplicate', `${place} names ${JSON.stringify(fileName)} again`)
      imageByKey.set(key, known)
      return
    }
    const number = imageOffsets.length
    imageByKey.set(key, number)
    imageByName.set(fileName, number)
    imageOffsets.push(offset)
    imageLengths.push(end - start)
  }

  const addAnnotation = ({ bytes, start, end, offset, found, index }: JsonElement) => {
    keys.push(imageKeys.read(bytes, found, end))
    offsets.push(offset)
    lengths.push(end - start)
    if (index >= SAMPLE) return
    const annotation = parse(bytes, start, end, `annotations[${index}] in ${name}`)
    const segmentation = annotation.segmentation
    hasPolygons ||= Array.isArray(segmentation) ? segmentation.length > 0 : typeof segmentation === 'object'
    hasKeypoints ||= Array.isArray(annotation.keypoints) && annotation.keypoints.some((value) => value !== 0)
  }

  const members = await cutJson(file, name, {
    arrays: {
      images: { onElement: addImage, find: 'id' },
      annotations: { onElement: addAnnotation, find: 'image_id' },
    },
    ...(signal ? { signal } : {}),
  })
  const { categories, images, annotations, ...others } = members
  if (images !== undefined) {
    throw new DatasetError(`"images" in ${name} is ${describe(images)}; wanted is a list of images`)
  }
  if (annotations !== undefined && annotations !== null) {
    throw new DatasetError(`"annotations" in ${name} is ${describe(annotations)}; wanted is a list of annotations`)
  }
  if (!Array.isArray(categories) || !categories.every((item) => typeof item === 'object' && item !== null)) {
    throw new DatasetError(`"categories" in ${name} is ${describe(categories)}; wanted is a list of categories`)
  }

  const grouped = groupByImage(imageOffsets.length, keys, imageByKey)
  for (const number of grouped.orphans) losses.add('annotation-of-missing-image', `annotations[${number}] in ${name}`)
  const order = grouped.order
  const annotationOffsets = createFloat64(order.length)
  const annotationLengths = createUint32(order.length)
  for (let at = 0; at < order.length; at++) {
    annotationOffsets[at] = offsets.get(order[at] as number)
    annotationLengths[at] = lengths.get(order[at] as number)
  }
  return {
    index: {
      ...source,
      imageOffsets: imageOffsets.toArray(),
      imageLengths: imageLengths.toArray(),
      starts: grouped.starts,
      annotationOffsets,
      annotationLengths,
      annotationNumbers: order,
    },
    categories: categories as Record<string, unknown>[],
    members: others,
    hasPolygons,
    hasKeypoints,
    losses,
    fileNames: [...imageByName.keys()],
  }
}

function readFileName(bytes: Buffer, words: Int32Array, start: number, end: number, place: string): string {
  const result = { found: -1 }
  scanValue(bytes, start, end, words, FILE_NAME, result)
  if (result.found < 0 || bytes[result.found] !== 0x22) {
    throw new DatasetError(`${place} has no "file_name"; wanted is the path of the image`)
  }
  let close = result.found + 1
  while (close < end && bytes[close] !== 0x22) close += bytes[close] === 0x5c ? 2 : 1
  const raw = bytes.toString('utf8', result.found, close + 1)
  return raw.includes('\\') ? unquote(raw) : raw.slice(1, -1)
}

function unquote(raw: string): string {
  try {
    return String(JSON.parse(raw))
  } catch {
    // Said with its reason when the whole image is parsed.
    return raw
  }
}

function parse(bytes: Buffer, start: number, end: number, where: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    throw new Error('it is no object')
  } catch (error) {
    throw explainJsonError(where, bytes.subarray(start, end), error)
  }
}

function describe(value: unknown): string {
  return value === undefined ? 'missing' : (JSON.stringify(value) ?? String(value)).slice(0, 100)
}
