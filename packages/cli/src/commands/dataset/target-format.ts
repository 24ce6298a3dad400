import type { DatasetFormat, TargetFormat } from '@trainyard/contract'
import { UsageError } from '../../errors.ts'
import { TARGET_FORMATS } from '../../table/choices.ts'

/** The format to write: the requested one, otherwise that of the source. Throws `UsageError` for one that is only read. */
export function targetFormat(to: TargetFormat | undefined, source: DatasetFormat): TargetFormat {
  const format = to ?? TARGET_FORMATS.find((each) => each === source)
  if (format !== undefined) return format
  throw new UsageError(
    `the format ${source} is read and not written: choose one with --to (${TARGET_FORMATS.join(', ')})`,
  )
}
