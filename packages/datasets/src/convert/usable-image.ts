import { findImageFault } from '../faults/find-image-fault.ts'
import type { ImageRecord } from '../record/record.ts'
import type { WriteContext } from '../writing/dataset-writer.ts'
import { withoutIgnored } from './without-ignored.ts'

/** The image with the objects to write. Undefined, and counted, for an image that would spoil a training. */
export function usableImage(record: ImageRecord, context: WriteContext): ImageRecord | undefined {
  if (context.options.images === 'copy') {
    const fault = findImageFault(record)
    // A missing file is counted when it is copied.
    if (fault !== undefined && fault.reason !== 'image-missing-file') {
      context.report.lose(fault.reason, fault.text)
      return undefined
    }
  }
  return withoutIgnored(record, context)
}
