import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { DatasetFormat, TaskType } from '@trainyard/contract'
import type { DatasetIndex } from '../indexing/index-dataset.ts'
import type { Loss } from '../report/loss-counter.ts'
import { hashFile } from '../transfer/hash-file.ts'
import { asDiskError } from '../transfer/try-download.ts'
import { DATASETS_NAME } from '../util/version.ts'
import { type CacheEntry, type OpenCacheEntryOptions, openCacheEntry } from './dataset-cache.ts'
import { makeFoldersWritable } from './stored-entry.ts'
import type { StoredFile } from './stored-file.ts'

export interface OpenConversionOptions extends Omit<OpenCacheEntryOptions, 'versionHash'> {
  /** Key of the entry that is converted. Whoever opens the conversion holds it too. */
  of: string
  index: DatasetIndex
  format: DatasetFormat
  taskType: TaskType
}

/**
 * A dataset of the cache in another format, as an entry of its own: made once by `convert`, shared like its source, and gone
 * with it. Another split, task or version of this package is another conversion. `convert` answers what the format cannot carry.
 */
export async function openConversion(
  options: OpenConversionOptions,
  convert: (target: string) => Promise<readonly Loss[]>,
): Promise<CacheEntry & { key: string }> {
  const { of, index, format, taskType, keep = [], ...rest } = options
  const key = conversionKey(options)
  const opened = await openCacheEntry({ ...rest, versionHash: key, keep: [of, ...keep] }, async (dir) => {
    try {
      // Of what a conversion that was cut short has left, nothing is known.
      await makeFoldersWritable(dir)
      await rm(dir, { recursive: true, force: true })
      const losses = await convert(dir)
      const files = await describeFiles(dir, rest.signal)
      return { index: { ...index, samples: [] }, files, conversion: { of, format, taskType, losses } }
    } catch (error) {
      await mkdir(dir, { recursive: true })
      throw asDiskError(error, `the dataset as ${format}`)
    }
  })
  return { ...opened, key }
}

function conversionKey({ of, index, format, taskType }: OpenConversionOptions): string {
  const hash = createHash('sha256').update(`${JSON.stringify([of, format, taskType, DATASETS_NAME])}\n`)
  for (const { name, split } of index.samples) hash.update(`${name}\0${split}\n`)
  return hash.digest('hex')
}

async function describeFiles(dir: string, signal: AbortSignal | undefined): Promise<StoredFile[]> {
  const files: StoredFile[] = []
  for (const item of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (!item.isFile()) continue
    signal?.throwIfAborted()
    const file = join(item.parentPath, item.name)
    const path = relative(dir, file).split(sep).join('/')
    files.push({ path, sizeBytes: statSync(file).size, sha256: await hashFile(file) })
  }
  return files
}
