import { type DatasetFormat, TargetFormat } from '@trainyard/contract'
import { UsageError } from '../../errors.ts'

/** The format to write: the requested one, otherwise that of the source. Throws `UsageError` for one that is only read. */
export function targetFormat(to: TargetFormat | undefined, source: DatasetFormat): TargetFormat {
  const format = to ?? TargetFormat.options.find((each) => each === source)
  if (format !== undefined) return format
  throw new UsageError(
    `the format ${source} is read and not written: choose one with --to (${TargetFormat.options.join(', ')})`,
  )
}
