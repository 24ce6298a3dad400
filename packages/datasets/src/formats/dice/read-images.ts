import { join } from 'node:path'
import { type DiceAnnotation, DiceImage, type FieldIssue, isSafeRelativePath } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { explainJsonError } from '../../json/explain-json-error.ts'
import { FileWindow } from '../../json/file-window.ts'
import type { ImageRecord } from '../../record/record.ts'
import type { LossCounter } from '../../report/loss-counter.ts'
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

/** The names that other tools give splits, such as `valid`, and numbers that a tool wrote as text. */
function forgiveImage(image: Record<string, unknown>): unknown {
  const split = typeof image.split === 'string' ? findSplitOfFolder(image.split.trim()) : undefined
  return forgive(split === undefined ? image : { ...image, split })
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
        const value = this.#element(this.#images, imageOffsets[at] as number, imageLengths[at] as number, field)
        if (this.#index.flat !== undefined) value.annotations = this.#flatAnnotations(at)
        const image = this.#parse(value, at, field)
        const record = image && this.#toRecord(image, at, field)
        if (record === undefined) continue
        if (paths.has(record.path)) {
          this.#report(`${field}.file_name`, 'must be unique: another image has it too', record.path)
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

  #element(window: FileWindow, offset: number, length: number, field: string): Record<string, unknown> {
    const start = window.read(offset, length)
    const bytes = window.bytes.subarray(start, start + length)
    const text = bytes.toString('utf8')
    if (text.includes('\ufffd') && !bytes.includes('\ufffd')) {
      throw new DatasetError(`${field} in ${this.#name} holds bytes that are not UTF-8`)
    }
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
    } catch (error) {
      throw explainJsonError(`${field} in ${this.#name}`, bytes, error)
    }
    throw new DatasetError(`${field} in ${this.#name} must be an object (got ${text.slice(0, 100)})`)
  }

  #flatAnnotations(image: number): unknown[] {
    const list: unknown[] = []
    const { flat } = this.#index
    if (flat === undefined) return list
    for (let at = flat.starts[image] as number; at < (flat.starts[image + 1] as number); at++) {
      const field = `annotations[${flat.numbers[at]}]`
      const { category_id, ...annotation } = this.#element(
        this.#annotations,
        flat.offsets[at] as number,
        flat.lengths[at] as number,
        field,
      )
      list.push({ ...annotation, class_id: annotation.class_id ?? category_id })
    }
    return list
  }

  #parse(value: Record<string, unknown>, at: number, field: string): DiceImage | undefined {
    const parsed = DiceImage.safeParse(value)
    if (parsed.success) return parsed.data
    const forgiven = DiceImage.safeParse(forgiveImage(value))
    if (forgiven.success) return forgiven.data
    const issues = toIssues(parsed.error, value, field).map(({ path, ...issue }) => ({
      ...issue,
      path: path.replace(/^images\[\d+\]\.annotations\[(\d+)\]/, (_, number) =>
        this.#annotationField(at, Number(number)),
      ),
    }))
    if (this.#onIssue === undefined) throw toDatasetError(this.#name, issues)
    for (const issue of issues) this.#onIssue(issue)
    return undefined
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
      this.#report(`${field}.file_name`, detail, file_name)
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
      this.#report(`${field}.class_id`, detail, annotation.class_id)
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

  #report(path: string, detail: string, value: unknown): void {
    const issue = createIssue(path, detail, value)
    if (this.#onIssue === undefined) throw toDatasetError(this.#name, [issue])
    this.#onIssue(issue)
  }
}
