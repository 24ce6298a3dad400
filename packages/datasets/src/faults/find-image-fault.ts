import { findFault } from '../files/file-fault.ts'
import { readWholeImageSize } from '../images/image-header.ts'
import type { ImageRecord } from '../record/record.ts'
import type { Loss } from '../report/loss-counter.ts'

/** Why an image cannot be used, and what a person needs to mend it. */
export interface ImageFault {
  reason: Loss['reason'] & ('image-missing-file' | 'image-unreadable' | 'image-truncated' | 'image-size-mismatch')
  text: string
}

/**
 * What would spoil a training with an image: a file that is missing, damaged or cut off, or one of another size than its
 * annotations were drawn on, which would all be wrong. Reads the header and the end of the file. Undefined for an image that can be used.
 */
export function findImageFault({
  file,
  path,
  width,
  height,
  annotations,
}: Pick<ImageRecord, 'file' | 'path' | 'width' | 'height' | 'annotations'>): ImageFault | undefined {
  const isMissing = { reason: 'image-missing-file', text: `Image "${path}" does not exist` } as const
  if (file === undefined) return isMissing
  let seen: ReturnType<typeof readWholeImageSize>
  try {
    seen = readWholeImageSize(file, path)
  } catch (error) {
    const fault = findFault(error, path)
    return fault.isMissing ? isMissing : { reason: 'image-unreadable', text: fault.text }
  }
  if (seen.isTruncated) return { reason: 'image-truncated', text: `Image "${path}" is cut off: its end is missing` }
  if (width === 0 || height === 0 || seen.width === 0) return undefined
  if (seen.width === width && seen.height === height) return undefined
  if (annotations.every(({ kind }) => kind === 'class')) return undefined
  // Tools that ignore EXIF give the sides as they are stored; nothing tells whether their coordinates are turned too.
  const isStored = (seen.orientation ?? 1) >= 5 && seen.width === height && seen.height === width
  const hint = isStored
    ? `, its sides before the EXIF orientation ${seen.orientation}: store the image upright, or correct its size and annotations`
    : ''
  const sizes = `${seen.width} × ${seen.height} pixels, but the dataset says ${width} × ${height}`
  return { reason: 'image-size-mismatch', text: `Image "${path}" is ${sizes}${hint}` }
}
