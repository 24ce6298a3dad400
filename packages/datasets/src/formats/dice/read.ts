import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DICE_FILE_NAMES, DiceFile, DiceImage, TASK_TYPE_ALIASES, type TaskType } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import type { ZodError, ZodType } from 'zod'
import { datasetPath } from '../../files/dataset-path.ts'
import { cutJson } from '../../json/cut-json.ts'
import { ElementKeys } from '../../json/element-keys.ts'
import { explainJsonError } from '../../json/explain-json-error.ts'
import { FileWindow } from '../../json/file-window.ts'
import { groupByImage } from '../../json/group-by-image.ts'
import { createFloat64, createUint32, NumberList } from '../../json/number-list.ts'
import type { DatasetClassInfo, DatasetReader, ImageRecord, ReadOptions } from '../../record/record.ts'
import { LossCounter } from '../../report/loss-counter.ts'
import { toAnnotation } from './to-annotation.ts'

const DiceHead = DiceFile.omit({ images: true })

/** The DICE annotation file at the root of a folder: undefined when there is none. */
export async function findDiceFile(dir: string, task?: TaskType): Promise<string | undefined> {
  const names = await readdir(dir).catch((): string[] => [])
  const found = DICE_FILE_NAMES.filter((name) => names.includes(name))
  return found.find((name) => name === `annotations_${task}.json`) ?? found[0]
}

/**
 * Opens a dataset in the platform's own format, nested or flat. The file is read twice, so that its size does not matter.
 * Throws `DatasetError` naming the field, what was seen and what is wanted.
 */
export async function readDice(dir: string, { task, signal }: ReadOptions = {}): Promise<DatasetReader> {
  const name = await findDiceFile(dir, task)
  if (name === undefined)
    throw new DatasetError(`No DICE annotation file (${DICE_FILE_NAMES.join(', ')}) in the dataset`)
  const file = join(dir, name)
  const index = await indexDiceFile(file, name, signal)
  const head = checkHead(index.members, name)
  if (index.count === 0) throw new DatasetError(`The dataset has no images: "images" in ${name} is empty`)
  const losses = new LossCounter()
  for (const number of index.orphans) losses.add('annotation-of-missing-image', `annotations[${number}] in ${name}`)
  const { classes, byId } = readClasses(head.classes, name)
  const imageRoot = (head.storage_info?.image_root ?? '').replace(/^\.?\/+|\/+$/g, '')
  const { classes: _, categories: __, statistics: ___, task_type, ...attributes } = index.members

  return {
    format: 'dice',
    taskType: head.task_type === 'geometry_detection' && index.hasObb ? 'obb' : toTaskType(head.task_type),
    ...(head.dataset_name === undefined ? {} : { name: head.dataset_name }),
    classes,
    attributes: { ...attributes, task_type },
    losses,
    async *images() {
      const images = new FileWindow(file)
      const annotations = new FileWindow(file)
      const paths = new Set<string>()
      try {
        for (let at = 0; at < index.count; at++) {
          const field = `images[${at}]`
          const image = readElement(images, index.offsets[at] as number, index.lengths[at] as number, field)
          if (index.starts !== undefined) image.annotations = readFlat(annotations, at)
          const record = toRecord(parse(DiceImage, image, `${field}.`, name), field)
          if (paths.has(record.path)) throw new DatasetError(`${field}.file_name in ${name} is "${record.path}" again`)
          paths.add(record.path)
          yield record
        }
      } finally {
        images.close()
        annotations.close()
      }
    },
  }

  function readElement(window: FileWindow, offset: number, length: number, field: string): Record<string, unknown> {
    const start = window.read(offset, length)
    const bytes = window.bytes.subarray(start, start + length)
    const text = bytes.toString('utf8')
    if (text.includes('\ufffd') && !bytes.includes('\ufffd')) {
      throw new DatasetError(`${field} in ${name} holds bytes that are no UTF-8; wanted is UTF-8 text`)
    }
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
    } catch (error) {
      throw explainJsonError(`${field} in ${name}`, bytes, error)
    }
    throw new DatasetError(`${field} in ${name} is ${text.slice(0, 100)}; wanted is an object`)
  }

  /** The flat variant: `annotations` beside the images, as COCO has them. */
  function readFlat(window: FileWindow, image: number): unknown[] {
    const { starts, annotationOffsets, annotationLengths, annotationNumbers } = index
    const list: unknown[] = []
    for (let at = starts?.[image] as number; at < (starts?.[image + 1] as number); at++) {
      const field = `annotations[${annotationNumbers[at]}]`
      const { category_id, ...annotation } = readElement(
        window,
        annotationOffsets[at] as number,
        annotationLengths[at] as number,
        field,
      )
      list.push({ ...annotation, class_id: annotation.class_id ?? category_id })
    }
    return list
  }

  function toRecord(image: DiceImage, field: string): ImageRecord {
    const { id, file_name, width, height, split, annotations, ...rest } = image
    datasetPath(dir, file_name, `${field}.file_name in ${name}`)
    const path = imageRoot === '' ? file_name : `${imageRoot}/${file_name}`
    datasetPath(dir, path, `storage_info.image_root with ${field}.file_name in ${name}`)
    const record: ImageRecord = {
      path,
      file: join(dir, path),
      width,
      height,
      split: split ?? undefined,
      id,
      annotations: [],
    }
    const attributes: Record<string, unknown> = { ...rest }
    for (const [number, annotation] of annotations.entries()) {
      const { class_id: classId, is_background } = annotation
      if (classId === -1 || is_background) {
        // Kept, because an image that people called empty is not one that nobody looked at.
        attributes.is_background = annotation.id ?? true
        continue
      }
      const place = `${field}.annotations[${number}]`
      const known = byId.get(classId)
      if (known === undefined) {
        const wanted = [...byId.keys()].slice(0, 20).join(', ')
        throw new DatasetError(
          `${place}.class_id in ${name} is ${classId}; wanted is the id of a class: ${wanted || '(there are none)'}`,
        )
      }
      const neutral = toAnnotation(annotation, { classId: known, place: `${place} in ${name}`, losses })
      if (neutral !== undefined) record.annotations.push(neutral)
    }
    for (const key in attributes) {
      if (attributes[key] !== undefined) record.attributes = attributes
    }
    return record
  }
}

const toTaskType = (task: string): TaskType =>
  TASK_TYPE_ALIASES[task] ?? (task === 'classification' ? task : 'detection')

/** Numbers in the order of the ids, which may have gaps. */
function readClasses(list: DiceFile['classes'], name: string) {
  const ids = new Set<number>()
  for (const [index, { id }] of list.entries()) {
    if (ids.has(id)) throw new DatasetError(`classes[${index}].id in ${name} is ${id}, which another class has`)
    ids.add(id)
  }
  // The background's class is no class.
  const sorted = list.filter(({ id }) => id >= 0).sort((a, b) => a.id - b.id)
  const classes = sorted.map(({ id: sourceId, name, color, supercategory, keypoints, skeleton }, id) => {
    const info: DatasetClassInfo = { id, name, sourceId }
    if (color != null) info.color = color
    if (supercategory != null) info.supercategory = supercategory
    if (Array.isArray(keypoints) && keypoints.length > 0) info.keypoints = keypoints.map(String)
    if (Array.isArray(skeleton)) {
      const pairs = skeleton.filter((pair): pair is [number, number] => Array.isArray(pair) && pair.length === 2)
      if (pairs.length > 0) info.skeleton = pairs.map(([from, to]) => [from - 1, to - 1])
    }
    return info
  })
  return { classes, byId: new Map(sorted.map(({ id }, number) => [id, number])) }
}

async function indexDiceFile(file: string, name: string, signal: AbortSignal | undefined) {
  const keys = new ElementKeys()
  const imageByKey = new Map<number, number>()
  const offsets = new NumberList(createFloat64)
  const lengths = new NumberList(createUint32)
  const imageKeys = new NumberList(createFloat64)
  const flatOffsets = new NumberList(createFloat64)
  const flatLengths = new NumberList(createUint32)
  let hasObb = false
  const members = await cutJson(file, name, {
    arrays: {
      images: {
        find: 'id',
        onElement({ bytes, start, end, offset, found, index }) {
          imageByKey.set(keys.read(bytes, found, end), index)
          offsets.push(offset)
          lengths.push(end - start)
          if (index < 1000) hasObb ||= /"type"\s*:\s*"obb"/.test(bytes.toString('latin1', start, end))
        },
      },
      annotations: {
        find: 'image_id',
        onElement({ bytes, start, end, offset, found }) {
          imageKeys.push(keys.read(bytes, found, end))
          flatOffsets.push(offset)
          flatLengths.push(end - start)
        },
      },
    },
    ...(signal ? { signal } : {}),
  })
  if (members.images !== undefined || (offsets.length === 0 && members.task_type === undefined)) {
    throw new DatasetError(`images in ${name} is ${show(members.images)}; wanted is a list of images`)
  }
  const isFlat = imageKeys.length > 0
  const grouped = isFlat ? groupByImage(offsets.length, imageKeys, imageByKey) : undefined
  const order = grouped?.order ?? createUint32(0)
  return {
    members,
    hasObb,
    count: offsets.length,
    offsets: offsets.toArray(),
    lengths: lengths.toArray(),
    starts: grouped?.starts,
    orphans: grouped?.orphans ?? [],
    annotationOffsets: Float64Array.from(order, (at) => flatOffsets.get(at)),
    annotationLengths: Uint32Array.from(order, (at) => flatLengths.get(at)),
    annotationNumbers: order,
  }
}

function checkHead(members: Record<string, unknown>, name: string) {
  const { categories, ...rest } = members
  const isFlat = categories !== undefined && rest.classes === undefined
  return parse(DiceHead, isFlat ? { format_version: 'flat', ...rest, classes: categories } : rest, '', name)
}

function parse<T>(schema: ZodType<T>, value: unknown, prefix: string, name: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw toError(parsed.error, value, prefix, name)
}

function toError(error: ZodError, value: unknown, prefix: string, name: string): DatasetError {
  const [issue] = error.issues
  const path = issue?.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('') ?? ''
  const seen = issue?.path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  )
  const field = `${prefix}${path.replace(/^\./, '')}` || 'The top level'
  return new DatasetError(`${field} in ${name} is ${show(seen)}; ${issue?.message}`)
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : (JSON.stringify(value) ?? String(value)).slice(0, 200)
}
