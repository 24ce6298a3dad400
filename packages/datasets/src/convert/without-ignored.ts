import type { Annotation, ImageRecord } from '../record/record.ts'
import type { WriteContext } from '../writing/dataset-writer.ts'

const MARKS = ['difficult', 'ignore', 'ignored'] as const

/** The image without the objects that its source marks as difficult or to be ignored, which are counted. */
export function withoutIgnored(record: ImageRecord, { options, report }: WriteContext): ImageRecord {
  if (options.ignored === 'keep') return record
  const annotations = record.annotations.filter((annotation) => !isIgnored(annotation))
  const count = record.annotations.length - annotations.length
  if (count === 0) return record
  report.lose('ignored-skipped', record.path, count)
  return { ...record, annotations }
}

/** A mark is true, a number above 0 (DOTA has two degrees), or one of them as text. */
function isIgnored({ attributes }: Annotation): boolean {
  return MARKS.some((mark) => {
    const value = attributes?.[mark]
    return value === true || value === 'true' || Number(value) > 0
  })
}
