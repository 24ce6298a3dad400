import { DatasetError } from '@trainyard/contract/trainer-errors'
import { readImageSize } from '../images/image-header.ts'
import type { ImageRecord } from '../record/record.ts'

/** Throws `DatasetError` for an image with another size than its annotations were drawn on: they would all be wrong. */
export function checkSize({ file, path, width, height, annotations }: ImageRecord): void {
  if (file === undefined || width === 0 || height === 0) return
  if (annotations.every(({ kind }) => kind === 'class')) return
  let seen: ReturnType<typeof readImageSize>
  try {
    seen = readImageSize(file, path)
  } catch (error) {
    // A missing or unreadable file is counted when it is copied.
    if (error instanceof DatasetError || (error instanceof Error && 'code' in error)) return
    throw error
  }
  const isSame = seen.width === width && seen.height === height
  if (seen.width === 0 || isSame) return
  // Tools that ignore EXIF give the sides as they are stored; nothing tells whether their coordinates are turned too.
  const isStored = (seen.orientation ?? 1) >= 5 && seen.width === height && seen.height === width
  const hint = isStored
    ? `, its sides before the EXIF orientation ${seen.orientation}: store the image upright, or correct its size and annotations`
    : ''
  throw new DatasetError(
    `Image "${path}" is ${seen.width} × ${seen.height} pixels, but the dataset says ${width} × ${height}${hint}`,
    { reason: 'size-mismatch' },
  )
}
