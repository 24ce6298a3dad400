import { DatasetError } from '@trainyard/contract/trainer-errors'
import { findBox } from '../record/find-box.ts'
import { findRecordSize } from '../record/find-record-size.ts'
import type { Annotation, DatasetReader, ImageRecord } from '../record/record.ts'
import type { DatasetFilter } from './dataset-edit.ts'
import { findClass } from './find-class.ts'
import { withClasses } from './with-classes.ts'

/** The dataset with only the images and objects that fit. */
export function filterDataset(reader: DatasetReader, filter: DatasetFilter): DatasetReader {
  checkNumbers(filter)
  const { classes: wanted, withoutClasses = [] } = filter
  const without = new Set(withoutClasses.map((name) => findClass(reader.classes, name).id))
  const only = wanted && new Set(wanted.map((name) => findClass(reader.classes, name).id))
  const kept = reader.classes.filter(({ id }) => !without.has(id) && (only?.has(id) ?? true))
  if (kept.length === 0 && reader.classes.length > 0) throw new DatasetError('The filter leaves no class')
  return withClasses(reader, kept, new Map(kept.map(({ id }, number) => [id, number])), (record, objectsBefore) =>
    fitImage(record, objectsBefore, filter),
  )
}

function fitImage(record: ImageRecord, objectsBefore: number, filter: DatasetFilter): ImageRecord | undefined {
  const { splits, minImageSide, emptyImages = 'background' } = filter
  if (splits !== undefined && !splits.includes(record.split ?? 'unsplit')) return undefined
  if (minImageSide !== undefined) {
    const size = findRecordSize(record)
    if (size === undefined || Math.min(size.width, size.height) < minImageSide) return undefined
  }
  const annotations = record.annotations.filter((annotation) => fitsObject(annotation, filter))
  if (annotations.length > 0 || emptyImages === 'keep') return { ...record, annotations }
  return emptyImages === 'background' && objectsBefore === 0 ? { ...record, annotations } : undefined
}

function fitsObject(annotation: Annotation, { minArea, maxArea, attributes = {} }: DatasetFilter): boolean {
  for (const [name, value] of Object.entries(attributes)) {
    if (!Object.hasOwn(annotation.attributes ?? {}, name)) return false
    if (String(annotation.attributes?.[name]) !== value) return false
  }
  const [, , width, height] = findBox(annotation) ?? []
  if (width === undefined || height === undefined) return true
  const area = width * height
  return area >= (minArea ?? 0) && area <= (maxArea ?? Number.POSITIVE_INFINITY)
}

function checkNumbers({ minImageSide, minArea, maxArea }: DatasetFilter): void {
  for (const [name, value] of Object.entries({ minImageSide, minArea, maxArea })) {
    if (value !== undefined && !(value >= 0)) throw new DatasetError(`${name} is ${value}; expected a number from 0`)
  }
  if (minArea !== undefined && maxArea !== undefined && minArea > maxArea)
    throw new DatasetError(`minArea is ${minArea}, above maxArea ${maxArea}: no object fits`)
}
