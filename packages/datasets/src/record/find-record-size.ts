import { readImageSize } from '../images/image-header.ts'
import type { ImageRecord } from './record.ts'

/** The size of an image as annotated, otherwise the one in its file. Undefined when both are unknown. */
export function findRecordSize(record: ImageRecord): { width: number; height: number } | undefined {
  if (record.width > 0 && record.height > 0) return { width: record.width, height: record.height }
  if (record.file === undefined) return undefined
  try {
    const { width, height } = readImageSize(record.file, record.path)
    return width > 0 && height > 0 ? { width, height } : undefined
  } catch {
    return undefined
  }
}
