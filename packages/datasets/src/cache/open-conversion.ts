import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { TargetFormat, TaskType } from '@trainyard/contract'
import type { DatasetIndex } from '../indexing/index-dataset.ts'
import type { Loss } from '../report/loss-counter.ts'
import { hashFile } from '../transfer/hash-file.ts'
import { asDiskError } from '../transfer/try-download.ts'
import { DATASETS_NAME } from '../util/version.ts'
import { type CacheEntry, type OpenCacheEntryOptions, openCacheEntry } from './dataset-cache.ts'
import { makeFoldersWritable } from './stored-entry.ts'
import type { StoredFile } from './stored-file.ts'

export interface OpenConversionOptions extends Omit<OpenCacheEntryOptions, 'versionHash'> {
  /** Key of the entry to convert. The caller must hold it too. */
  of: string
  index: DatasetIndex
  format: TargetFormat
  taskType: TaskType
}

/**
 * Opens a dataset of the cache in another format, as an entry of its own. `convert` creates it once and returns what the
 * format cannot hold. It is shared like its source and removed with it. Other splits, another task and another version of
 * this package give another entry.
 */
export async function openConversion(
  options: OpenConversionOptions,
  convert: (target: string) => Promise<readonly Loss[]>,
): Promise<CacheEntry & { key: string }> {
  const { of, index, format, taskType, keep = [], ...rest } = options
  const key = conversionKey(options)
  const opened = await openCacheEntry({ ...rest, versionHash: key, keep: [of, ...keep] }, async (dir) => {
    try {
      // Files of an interrupted conversion cannot be trusted.
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
