import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatasetContent, UnpackedDataset } from '../reading/dataset-content.ts'
import { concurrently } from './concurrently.ts'
import type { HashedFile } from './version-hash.ts'

/** A file with its hash, ready to be stored. */
export interface ReadFile extends HashedFile {
  /** The bytes of a small file: reading thousands of small files twice takes seconds. */
  bytes: Buffer | undefined
}

/** Files up to the first size stay in memory, up to the second size in total. */
const KEPT_FILE_BYTES = 64 * 1024
const KEPT_TOTAL_BYTES = 64 * 1024 ** 2
const CONCURRENCY = 16

/** Hashes every file of the dataset. */
export async function hashFiles(
  dataset: UnpackedDataset,
  { images, annotationFiles }: Pick<DatasetContent, 'images' | 'annotationFiles'>,
): Promise<ReadFile[]> {
  const read: ReadFile[] = []
  let keptBytes = 0
  await concurrently([...images.map(({ path }) => path), ...annotationFiles], CONCURRENCY, async (path) => {
    const sizeBytes = dataset.files.get(path) ?? 0
    const file = join(dataset.dir, path)
    if (sizeBytes > KEPT_FILE_BYTES) {
      read.push({ path, sizeBytes, sha256: await hashLarge(file), bytes: undefined })
      return
    }
    const bytes = await readFile(file)
    const keep = keptBytes + sizeBytes <= KEPT_TOTAL_BYTES
    if (keep) keptBytes += sizeBytes
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    read.push({ path, sizeBytes, sha256, bytes: keep ? bytes : undefined })
  })
  return read
}

async function hashLarge(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 ** 2 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
