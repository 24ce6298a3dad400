import { rmSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatasetFilesPage, DatasetManifest, type SplitName } from '@trainyard/contract'
import { datasetPath } from '../files/dataset-path.ts'
import { indexDataset } from '../indexing/index-dataset.ts'
import { openDataset } from '../open/open-dataset.ts'
import { asDatasetError, type DownloadSource, downloadFile } from '../transfer/download-file.ts'
import { hashFile } from '../transfer/hash-file.ts'
import type { BackoffOptions } from '../transfer/retry.ts'
import type { Transport } from '../transfer/transport.ts'
import { forEachConcurrently } from '../util/for-each-concurrently.ts'
import type { FilledEntry } from './dataset-cache.ts'
import type { StoredFile } from './stored-file.ts'

/** Authorised JSON calls to the endpoints of one job. They are retried until they succeed or time out. */
export interface DatasetApi {
  call(method: string, path: string, options?: { signal?: AbortSignal | undefined }): Promise<unknown>
}

export interface FillContext {
  api: DatasetApi
  transport: Transport
  backoff?: BackoffOptions | undefined
  /** Files to download at the same time. Default 32. */
  concurrency?: number | undefined
  /** Files on a page. Default 1,000. */
  pageSize?: number | undefined
  /** The job has its own splits. The entry gets those of the dataset, because other jobs share it. */
  hasOwnSplits?: boolean | undefined
  /** Include images without a label. */
  isWhole?: boolean | undefined
  signal?: AbortSignal | undefined
  /** Called with the number of downloaded images and the total. */
  onProgress?: ((files: number, totalFiles: number) => void) | undefined
}

type PageFile = DatasetFilesPage['files'][number]

/** Downloads the dataset of a job into `dir` and indexes it. Valid files of an earlier attempt are kept. */
export async function fillFromPlatform(context: FillContext, dir: string): Promise<FilledEntry> {
  const { api, transport, backoff, concurrency = 32, signal, isWhole = false, onProgress = () => {} } = context
  const download = { transport, isUnpublished: true, signal, backoff }
  const files: StoredFile[] = []
  const readManifest = async () => DatasetManifest.parse(await api.call('GET', '/dataset', { signal }))
  const folders = new Set<string>()
  const prepare = async (path: string, field: string) => {
    const target = datasetPath(dir, path, field)
    const folder = dirname(target)
    if (!folders.has(folder)) {
      await mkdir(folder, { recursive: true })
      folders.add(folder)
    }
    return target
  }

  try {
    const manifest = await readManifest()
    for (const file of manifest.annotationFiles) {
      const target = await prepare(file.path, 'annotationFiles.path of the dataset')
      const toSource = ({ request, sizeBytes, sha256 }: typeof file): DownloadSource => ({
        url: request.url,
        headers: request.headers,
        sizeBytes,
        sha256,
      })
      files.push(toStored(file))
      if (await isHeld(target, file)) continue
      await downloadFile(download, toSource(file), target, file.path, async () => {
        const fresh = (await readManifest()).annotationFiles.find(({ path }) => path === file.path)
        return fresh === undefined ? undefined : toSource(fresh)
      })
    }

    const splits = new Map<string, SplitName>()
    const totalFiles = isWhole ? manifest.counts.images : manifest.counts.labelled
    let done = 0
    await forEachConcurrently(listFiles(context), concurrency, async ({ file, renew }) => {
      signal?.throwIfAborted()
      if (file.split !== undefined) splits.set(file.path, file.split)
      const target = await prepare(file.path, 'The path of a file of the dataset')
      files.push(toStored(file))
      if (!(await isHeld(target, file))) await downloadFile(download, file, target, file.path, renew)
      onProgress(++done, totalFiles)
    })
    const { format, taskType: task } = manifest
    const index = await indexDataset(dir, await openDataset(dir, { format, task }), {
      splits,
      skipMissing: true,
      signal,
    })
    return { index, files }
  } catch (error) {
    throw asDatasetError(error)
  }
}

function toStored({ path, sizeBytes, sha256 }: StoredFile): StoredFile {
  return { path, sizeBytes, sha256 }
}

/** Whether an earlier attempt left the file. An invalid or partial file is removed. */
async function isHeld(target: string, { sizeBytes, sha256 }: StoredFile): Promise<boolean> {
  const held = statSync(target, { throwIfNoEntry: false })
  if (held === undefined) return false
  // A power cut can leave a file of the right size without its bytes.
  if (held.size === sizeBytes && (sha256 === undefined || (await hashFile(target)) === sha256)) return true
  rmSync(target, { force: true })
  return false
}

/** Every file of the dataset, page by page. `renew` requests the page of a file again, for a fresh URL. */
export async function* listFiles(
  context: FillContext,
): AsyncGenerator<{ file: PageFile; renew: () => Promise<DownloadSource | undefined> }> {
  const { api, pageSize = 1000, signal, hasOwnSplits = false, isWhole = false } = context
  const rest = `${hasOwnSplits ? '&splits=dataset' : ''}${isWhole ? '&all=true' : ''}`
  const readPage = async (cursor: string | undefined) => {
    const query = `?limit=${pageSize}${rest}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`
    return DatasetFilesPage.parse(await api.call('GET', `/dataset/files${query}`, { signal }))
  }
  let cursor: string | undefined
  let next: ReturnType<typeof readPage> | undefined = readPage(cursor)
  while (next !== undefined) {
    const page: DatasetFilesPage = await next
    // Requested while the files of this page are downloaded: a thousand signatures take the platform a while.
    next = page.nextCursor === undefined ? undefined : readPage(page.nextCursor)
    next?.catch(() => {})
    const own = cursor
    // One request renews a thousand expired URLs.
    let renewing: Promise<Map<string, PageFile>> | undefined
    let renewedAt = 0
    const renewPage = () => {
      if (renewing === undefined || Date.now() - renewedAt > 10_000) {
        renewedAt = Date.now()
        renewing = readPage(own).then(({ files }) => new Map(files.map((file) => [file.path, file])))
      }
      return renewing
    }
    for (const file of page.files) yield { file, renew: async () => (await renewPage()).get(file.path) }
    cursor = page.nextCursor
  }
}
