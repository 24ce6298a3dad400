import { findFault } from '../files/file-fault.ts'
import { type ImageSize, readImageSize } from '../images/image-header.ts'
import type { ImageRecord } from '../record/record.ts'
import type { WriteContext } from '../writing/dataset-writer.ts'
import { withoutIgnored } from './without-ignored.ts'

/**
 * The image with the objects to write. Undefined, and counted, for an image that would spoil a training: a damaged file,
 * or one of another size than its annotations were drawn on, which would all be wrong.
 */
export function usableImage(record: ImageRecord, context: WriteContext): ImageRecord | undefined {
  if (context.options.images === 'copy' && !hasUsableFile(record, context)) return undefined
  return withoutIgnored(record, context)
}

function hasUsableFile({ file, path, width, height, annotations }: ImageRecord, { report }: WriteContext): boolean {
  if (file === undefined) return true
  let seen: ImageSize
  try {
    seen = readImageSize(file, path)
  } catch (error) {
    const { text, isMissing } = findFault(error, path)
    // A missing file is counted when it is copied.
    if (isMissing) return true
    report.lose('image-unreadable', text)
    return false
  }
  if (width === 0 || height === 0 || seen.width === 0) return true
  if (seen.width === width && seen.height === height) return true
  if (annotations.every(({ kind }) => kind === 'class')) return true
  // Tools that ignore EXIF give the sides as they are stored; nothing tells whether their coordinates are turned too.
  const isStored = (seen.orientation ?? 1) >= 5 && seen.width === height && seen.height === width
  const hint = isStored
    ? `, its sides before the EXIF orientation ${seen.orientation}: store the image upright, or correct its size and annotations`
    : ''
  const sizes = `${seen.width} × ${seen.height} pixels, but the dataset says ${width} × ${height}`
  report.lose('image-size-mismatch', `Image "${path}" is ${sizes}${hint}`)
  return false
}
