import type { DatasetFormat, TaskType } from '@trainyard/contract'
import type { DatasetReader } from '@trainyard/datasets'
import { detectFormat, loadReader } from '@trainyard/datasets'

interface OpenSourceOptions {
  from?: DatasetFormat
  task?: TaskType
  vocOneBased?: boolean
  signal: AbortSignal
}

/** Opens a dataset of any format, and closes it when the work is done. */
export async function withSource<T>(
  source: string,
  { from, ...options }: OpenSourceOptions,
  work: (reader: DatasetReader) => Promise<T>,
): Promise<T> {
  const format = from ?? (await detectFormat(source, { signal: options.signal })).format
  const reader = await (await loadReader[format]())(source, options)
  try {
    return await work(reader)
  } finally {
    await reader.close?.()
  }
}
