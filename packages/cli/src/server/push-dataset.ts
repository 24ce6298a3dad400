import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { TrainyardClient } from '@trainyard/client'
import { listFolder, tarOfFolder } from '@trainyard/client/files'
import type { Dataset, TaskType } from '@trainyard/contract'
import type { CliIo } from '../command-line/io.ts'
import { UsageError } from '../errors.ts'
import { transferProgress } from '../terminal/progress.ts'

const ARCHIVE = /\.(?:tar|tgz|tar\.gz|zip)$/i

export interface PushDatasetOptions {
  client: TrainyardClient
  /** Absolute path of a folder, or of a tar, tar.gz or zip. */
  path: string
  /** Default: the name of the folder or archive. */
  name?: string | undefined
  project?: string | undefined
  /** Id of the dataset that gets another version. Default: a dataset of its own. */
  to?: string | undefined
  message?: string | undefined
  taskType?: TaskType | undefined
  /** Refuse the dataset when anything would be left out or changed. Default false. */
  strict?: boolean | undefined
  signal: AbortSignal
  silent: boolean
}

/** Whether a text can only be meant as a path: it has a slash, or the ending of an archive. */
export function looksLikePath(text: string): boolean {
  return text.includes('/') || ARCHIVE.test(text)
}

interface LocalDataset {
  isFolder: boolean
  files: Awaited<ReturnType<typeof listFolder>>
  totalBytes: number
}

/** Uploads a dataset while it is read from disk. */
export async function pushDataset(options: PushDatasetOptions, io: CliIo): Promise<Dataset> {
  const { client, path, project, to, message, taskType, strict, signal, silent } = options
  const { isFolder, files, totalBytes } = await checkDataset(path)
  const progress = transferProgress(io.stderr, 'Uploading', totalBytes, silent)
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
    if (to !== undefined) return await client.datasets.addVersion(to, counted(), { message, taskType, strict, signal })
    const name = options.name ?? basename(path).replace(ARCHIVE, '')
    return await client.datasets.upload(counted(), { name, project, taskType, strict, signal })
  } finally {
    progress.end()
  }
}

/** Checks that a path is a dataset that can be uploaded, and lists its files. Throws {@link UsageError}. */
export async function checkDataset(path: string): Promise<LocalDataset> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined)
    throw new UsageError(`${path} does not exist: expected the folder of a dataset, or a tar, tar.gz or zip`)
  const isFolder = found.isDirectory()
  if (!isFolder && !ARCHIVE.test(path))
    throw new UsageError(`${path} is not a folder or an archive: expected a folder, or a tar, tar.gz or zip`)
  if (!isFolder) return { isFolder, files: [], totalBytes: found.size }
  const files = await listFolder(path)
  if (files.length === 0) throw new UsageError(`${path} is empty: expected the folder of a dataset`)
  return { isFolder, files, totalBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) }
}
