import { join } from 'node:path'
import { type DiceAnnotation, DiceImage, type FieldIssue, isSafeRelativePath } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { explainJsonError } from '../../json/explain-json-error.ts'
import { FileWindow } from '../../json/file-window.ts'
import type { ImageRecord } from '../../record/record.ts'
import type { LossCounter, LossReason } from '../../report/loss-counter.ts'
import { findSplitOfFolder } from '../../splits/split-folder.ts'
import type { DiceIndex } from './index-dice-file.ts'
import { createIssue, toDatasetError, toIssues } from './issues.ts'
import type { DiceHead } from './read-head.ts'
import { toAnnotation } from './to-annotation.ts'

const MAX_PATH_LENGTH = 1024
/** Members that are numbers or lists of numbers. */
const NUMBERS = new Set([
  'width',
  'height',
  'depth',
  'bbox',
  'area',
  'segmentation',
  'keypoints',
  'polyline',
  'class_id',
])

/** In the place of an annotation that is counted already. */
const COUNTED = Symbol()

/** The names that other tools give splits, such as `valid`, and numbers that a tool wrote as text. */
function forgiveImage(image: Record<string, unknown>): Record<string, unknown> {
  const split = typeof image.split === 'string' ? findSplitOfFolder(image.split.trim()) : undefined
  return forgive(split === undefined ? image : { ...image, split }) as Record<string, unknown>
}

function forgive(value: unknown, isNumber = false): unknown {
  if (Array.isArray(value)) return value.map((item) => forgive(item, isNumber))
  if (typeof value === 'string' && isNumber && value.trim() !== '') return Number(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, forgive(item, NUMBERS.has(key))]))
}

/** The second pass over a DICE file: one image at a time, with its annotations. */
export class DiceImageReader {
  readonly #dir: string
  readonly #name: string
  readonly #index: DiceIndex
  readonly #head: DiceHead
  readonly #losses: LossCounter
  readonly #onIssue: ((issue: FieldIssue) => void) | undefined
  readonly #images: FileWindow
  readonly #annotations: FileWindow

  constructor(options: {
    dir: string
    /** The annotation file, or a copy of it. */
    file: string
    name: string
    index: DiceIndex
    head: DiceHead
    losses: LossCounter
    onIssue: ((issue: FieldIssue) => void) | undefined
  }) {
    this.#dir = options.dir
    this.#name = options.name
    this.#index = options.index
    this.#head = options.head
    this.#losses = options.losses
    this.#onIssue = options.onIssue
    const { file } = options
    this.#images = new FileWindow(file)
    this.#annotations = new FileWindow(file)
  }

  *read(): Generator<ImageRecord> {
    const { imageOffsets, imageLengths } = this.#index
    const paths = new Set<string>()
    try {
      for (let at = 0; at < imageOffsets.length; at++) {
        const field = `images[${at}]`
        const range = [imageOffsets[at] as number, imageLengths[at] as number] as const
        const value = this.#element(this.#images, range, field, 'image-invalid')
        if (value === undefined) continue
        if (this.#index.flat !== undefined) value.annotations = this.#flatAnnotations(at)
        const image = this.#parse(value, at, field)
        const record = image && this.#toRecord(image, at, field)
        if (record === undefined) continue
        if (paths.has(record.path)) {
          const issue = createIssue(`${field}.file_name`, 'must be unique: another image has it too', record.path)
          this.#report('image-duplicate', issue)
          continue
        }
        paths.add(record.path)
        yield record
      }
    } finally {
      this.#images.close()
      this.#annotations.close()
    }
  }

  /** Undefined, and counted for `reason`, for an element that is no object. */
  #element(
    window: FileWindow,
    [offset, length]: readonly [number, number],
    field: string,
    reason: LossReason,
  ): Record<string, unknown> | undefined {
    const start = window.read(offset, length)
    const bytes = window.bytes.subarray(start, start + length)
    const place = `${field} in ${this.#name}`
    try {
      return parseObject(bytes, place)
    } catch (error) {
      if (!(error instanceof DatasetError) || this.#onIssue !== undefined) throw error
      this.#losses.add(reason, error.message)
      return undefined
    }
  }

  #flatAnnotations(image: number): unknown[] {
    const list: unknown[] = []
    const { flat } = this.#index
    if (flat === undefined) return list
    for (let at = flat.starts[image] as number; at < (flat.starts[image + 1] as number); at++) {
      const field = `annotations[${flat.numbers[at]}]`
      const range = [flat.offsets[at] as number, flat.lengths[at] as number] as const
      const annotation = this.#element(this.#annotations, range, field, 'annotation-invalid')
      if (annotation === undefined) list.push(COUNTED)
      else {
        const { category_id, ...rest } = annotation
        list.push({ ...rest, class_id: rest.class_id ?? category_id })
      }
    }
    return list
  }

  /** Undefined for an image with wrong fields, which are reported. */
  #parse(value: Record<string, unknown>, at: number, field: string): DiceImage | undefined {
    const parsed = DiceImage.safeParse(value)
    if (parsed.success) return parsed.data
    const candidate = forgiveImage(value)
    const forgiven = DiceImage.safeParse(candidate)
    if (forgiven.success) return forgiven.data
    if (this.#onIssue === undefined)
      return this.#parseRest(candidate, toIssues(forgiven.error, value, field), at, field)
    for (const issue of toIssues(parsed.error, value, field)) this.#onIssue(this.#inFile(issue, at))
    return undefined
  }

  /** The image without its wrong annotations, which are counted. Undefined where its other fields are wrong. */
  #parseRest(
    image: Record<string, unknown>,
    issues: readonly FieldIssue[],
    at: number,
    field: string,
  ): DiceImage | undefined {
    const { annotations } = image
    const wrong = new Set<number>()
    for (const issue of issues) {
      const number = /^images\[\d+\]\.annotations\[(\d+)\]/.exec(issue.path)?.[1]
      if (number === undefined || !Array.isArray(annotations)) {
        this.#report('image-invalid', issue)
        return undefined
      }
      const isCounted = wrong.has(Number(number)) || annotations[Number(number)] === COUNTED
      wrong.add(Number(number))
      if (!isCounted) this.#report('annotation-invalid', this.#inFile(issue, at))
    }
    const rest = { ...image, annotations: (annotations as unknown[]).filter((_, number) => !wrong.has(number)) }
    const parsed = DiceImage.safeParse(rest)
    if (parsed.success) return parsed.data
    for (const issue of toIssues(parsed.error, rest, field).slice(0, 1)) this.#report('image-invalid', issue)
    return undefined
  }

  /** The issue with the path of its annotation in the file. */
  #inFile({ path, ...issue }: FieldIssue, at: number): FieldIssue {
    const inFile = path.replace(/^images\[\d+\]\.annotations\[(\d+)\]/, (_, number) =>
      this.#annotationField(at, Number(number)),
    )
    return { ...issue, path: inFile }
  }

  /** Where an annotation of an image is in the file. */
  #annotationField(image: number, number: number): string {
    const { flat } = this.#index
    if (flat === undefined) return `images[${image}].annotations[${number}]`
    return `annotations[${flat.numbers[(flat.starts[image] as number) + number]}]`
  }

  /** Undefined for an image whose path is not safe. */
  #toRecord(image: DiceImage, at: number, field: string): ImageRecord | undefined {
    const { id, file_name, width, height, split, annotations, ...rest } = image
    const { imageRoot } = this.#head
    const path = imageRoot === '' ? file_name : `${imageRoot}/${file_name}`
    if (!isSafeRelativePath(file_name) || path.length > MAX_PATH_LENGTH) {
      const detail = `must be a relative path of at most ${MAX_PATH_LENGTH} characters that stays inside the dataset`
      this.#report('image-unsafe-path', createIssue(`${field}.file_name`, detail, file_name))
      return undefined
    }
    const record: ImageRecord = {
      path,
      file: join(this.#dir, path),
      width,
      height,
      split: split ?? undefined,
      id,
      annotations: [],
      field,
    }
    const attributes: Record<string, unknown> = { ...rest }
    for (const [number, annotation] of annotations.entries()) {
      if (annotation.class_id === -1 || annotation.is_background) {
        // Kept: an image that was reviewed and is empty differs from one that was not reviewed.
        attributes.is_background = annotation.id ?? true
        continue
      }
      const neutral = this.#toAnnotation(annotation, this.#annotationField(at, number))
      if (neutral !== undefined) record.annotations.push(neutral)
    }
    for (const key in attributes) {
      if (attributes[key] !== undefined) record.attributes = attributes
    }
    return record
  }

  #toAnnotation(annotation: DiceAnnotation, field: string): ReturnType<typeof toAnnotation> {
    const { classById } = this.#head
    const classId = classById.get(annotation.class_id)
    if (classId === undefined) {
      const ids = classById.size > 10 ? `one of the ${classById.size} ids in classes` : [...classById.keys()].join(', ')
      const detail = `must be the id of a class (${ids || 'the file lists no classes'}), or -1`
      this.#report('annotation-of-unknown-class', createIssue(`${field}.class_id`, detail, annotation.class_id))
      return undefined
    }
    const onIssue = this.#onIssue
    return toAnnotation(annotation, {
      classId,
      place: `${field} in ${this.#name}`,
      losses: this.#losses,
      onInvalidBox: onIssue && ((detail, value) => onIssue(createIssue(`${field}.bbox`, detail, value))),
    })
  }

  /** Passes an issue on; without a caller that collects issues, what is wrong is left out and counted. */
  #report(reason: LossReason, issue: FieldIssue): void {
    if (this.#onIssue === undefined) this.#losses.add(reason, toDatasetError(this.#name, [issue]).message)
    else this.#onIssue(issue)
  }
}

/** Throws `DatasetError` for bytes that are not one object of JSON in UTF-8. */
function parseObject(bytes: Buffer, place: string): Record<string, unknown> {
  const text = bytes.toString('utf8')
  if (text.includes('\ufffd') && !bytes.includes('\ufffd'))
    throw new DatasetError(`${place} holds bytes that are not UTF-8`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw explainJsonError(place, bytes, error)
  }
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw new DatasetError(`${place} must be an object (got ${text.slice(0, 100)})`)
}
