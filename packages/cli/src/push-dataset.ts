import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { TrainyardClient } from '@trainyard/client'
import { listFolder, tarOfFolder } from '@trainyard/client/files'
import type { Dataset } from '@trainyard/contract'
import { defined } from './arguments.ts'
import { type CliIo, UsageError } from './command.ts'
import { createProgressLine } from './progress-line.ts'

const ARCHIVE = /\.(?:tar|tgz|tar\.gz|zip)$/i

export interface PushDatasetOptions {
  client: TrainyardClient
  /** A folder, or a tar, tar.gz or zip. Absolute. */
  path: string
  /** Default: the folder's or archive's own name. */
  name?: string | undefined
  project?: string | undefined
  signal: AbortSignal
  silent: boolean
}

/** Uploads a dataset, as it is read from disk. The same content under the same name gives the same dataset again. */
export async function pushDataset(options: PushDatasetOptions, io: CliIo): Promise<Dataset> {
  const { client, path, signal, silent } = options
  const kind = await stat(path).catch(() => undefined)
  if (kind === undefined)
    throw new UsageError(`there is no ${path}: wanted is the folder of a dataset, or a tar, tar.gz or zip`)
  const isFolder = kind.isDirectory()
  if (!isFolder && !ARCHIVE.test(path))
    throw new UsageError(`${path} is neither a folder nor an archive: wanted is a folder, or a tar, tar.gz or zip`)
  const name = options.name ?? basename(path).replace(ARCHIVE, '')
  const files = isFolder ? await listFolder(path) : []
  if (isFolder && files.length === 0) throw new UsageError(`${path} is empty: wanted is the folder of a dataset`)
  const totalBytes = isFolder ? files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) : kind.size
  const progress = createProgressLine(io, 'Uploading', totalBytes, silent)
  async function* counted(): AsyncGenerator<Uint8Array> {
    let sent = 0
    const source: AsyncIterable<Uint8Array> = isFolder
      ? tarOfFolder(path, files)
      : createReadStream(path, { highWaterMark: 256 * 1024 })
    for await (const chunk of source) {
      yield chunk
      sent += chunk.byteLength
      progress.update(Math.min(sent, totalBytes))
    }
  }
  try {
    return await client.datasets.upload(counted(), { name, signal, ...defined({ project: options.project }) })
  } finally {
    progress.end()
  }
}
