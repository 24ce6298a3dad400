import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { Dataset } from '@trainyard/contract'
import { unpackArchive } from '@trainyard/platform'
import { type DatasetContext, UPLOAD_LIMITS } from '../context.ts'
import { type ReadDatasetOptions, readDataset } from '../reading/read-dataset.ts'
import { hashFiles } from './hash-files.ts'
import { inScratchFolder } from './scratch-folder.ts'
import { type Ownership, storeDataset, type VersionOf } from './store-dataset.ts'
import { sweepUploads } from './sweep-uploads.ts'
import { withRoom } from './with-room.ts'

export interface RegisterDatasetOptions extends Omit<ReadDatasetOptions, 'name' | 'hasPixels'>, Ownership {
  name: string
  /** Default: a dataset of its own. */
  versionOf?: VersionOf | undefined
  /** A tar, tar.gz or zip. */
  body: AsyncIterable<Uint8Array>
}

/**
 * Unpacks, reads, checks and stores a dataset, within the quota of its project. Returns the existing dataset when the name has the same content. Throws
 * `unprocessable` with what is wrong; then nothing is stored.
 */
export async function registerDataset(
  context: DatasetContext,
  { name, versionOf, body, format, taskType, strict, ...ownership }: RegisterDatasetOptions,
): Promise<{ dataset: Dataset; created: boolean }> {
  await sweepUploads(context)
  return await withRoom(context, ownership.projectId, (room) =>
    inScratchFolder(context, async (scratch) => {
      const { files } = await unpackArchive(body, join(scratch, 'files'), {
        maxFiles: UPLOAD_LIMITS.maxFiles,
        maxTotalBytes: UPLOAD_LIMITS.maxTotalBytes,
        reserve: (total) => room.reserve(total),
      })
      const { dataset, content } = await readDataset(join(scratch, 'files'), files, { format, taskType, strict })
      const read = await hashFiles(dataset, content)
      return await storeDataset(context, {
        ...ownership,
        room,
        name,
        versionOf,
        content,
        files: read.map(({ bytes, ...file }) => ({
          ...file,
          open: () => bytes ?? createReadStream(join(dataset.dir, file.path)),
        })),
      })
    }),
  )
}
