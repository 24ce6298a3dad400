import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Dataset } from '@trainyard/contract'
import { unpackArchive } from '@trainyard/platform'
import { type DatasetContext, UPLOAD_LIMITS } from '../context.ts'
import { type ReadDatasetOptions, readDataset } from '../reading/read-dataset.ts'
import { examineFiles } from './examine-files.ts'
import { type Owned, storeDataset } from './store-dataset.ts'
import { sweepUploads } from './sweep-uploads.ts'

export interface RegisterDatasetOptions extends Omit<ReadDatasetOptions, 'name'>, Owned {
  name: string
  /** A tar, tar.gz or zip. */
  body: AsyncIterable<Uint8Array>
}

/**
 * Unpacks, reads, checks and stores a dataset. The same content under the same name gives the dataset that is there.
 * Throws `unprocessable` with what is wrong, and leaves nothing behind then.
 */
export async function registerDataset(
  context: DatasetContext,
  { name, body, format, taskType, ...owned }: RegisterDatasetOptions,
): Promise<{ dataset: Dataset; created: boolean }> {
  await sweepUploads(context)
  return await inScratchFolder(context, async (scratch) => {
    const { files } = await unpackArchive(body, join(scratch, 'files'), {
      maxFiles: UPLOAD_LIMITS.maxFiles,
      maxTotalBytes: UPLOAD_LIMITS.maxTotalBytes,
    })
    const { dataset, content } = await readDataset(join(scratch, 'files'), files, { format, taskType })
    const examined = await examineFiles(dataset, content)
    return await storeDataset(context, {
      ...owned,
      name,
      content,
      files: examined.map(({ bytes, ...file }) => ({
        ...file,
        open: () => bytes ?? createReadStream(join(dataset.dir, file.path)),
      })),
    })
  })
}

/** A folder for what is looked at, gone when the work is done. */
export async function inScratchFolder<T>(context: DatasetContext, work: (dir: string) => Promise<T>): Promise<T> {
  const parent = context.config?.dataDir ?? tmpdir()
  await mkdir(parent, { recursive: true })
  const scratch = await mkdtemp(join(parent, 'dataset-upload-'))
  try {
    return await work(scratch)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}
