import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { applyJobSplits } from '../cache/apply-job-splits.ts'
import { isReadOnlyError, openCacheEntry } from '../cache/dataset-cache.ts'
import { fillFromPlatform } from '../cache/fill-from-platform.ts'
import { CheckpointInput, DatasetManifest } from '../contract/index.ts'
import { CheckpointError, NetworkError } from '../errors.ts'
import { createPlatformApi } from '../http/platform-api.ts'
import type { BackoffOptions } from '../http/retry.ts'
import { createTokenSource } from '../http/token-source.ts'
import { createTransport } from '../http/transport.ts'
import type { CheckpointFile } from '../job.ts'
import { Journal } from '../journal/journal.ts'
import type { JournalStop } from '../journal/journal-options.ts'
import { downloadFile } from '../storage/download-file.ts'
import { uploadFile } from '../storage/upload-file.ts'
import { redact } from '../util/redact.ts'
import type { Backend } from './backend.ts'

export interface PlatformBackendOptions {
  callbackUrl: string
  token?: string | undefined
  tokenFile?: string | undefined
  attempt: number
  workDir: string
  traceparent?: string | undefined
  datasetCacheDir?: string | undefined
  /** What the whole dataset cache may take, in bytes. Default: no limit. */
  datasetCacheMaxBytes?: number | undefined
  datasetVersionHash?: string | undefined
  /** The job has splits of its own. */
  datasetSplitId?: string | undefined
  /** Images that nobody labelled are wanted too. */
  withUnlabelled?: boolean
  /** Aborted when the job is to stop: uploads under way then have {@link UPLOAD_GRACE_MS} left. */
  stop?: AbortSignal
  onStop: (stop: JournalStop) => void
  onWarning: (message: string) => void
  backoff?: BackoffOptions
}

/** What an earlier process of this attempt left behind. */
export interface PlatformBackend extends Backend {
  readonly terminal: Journal['terminal']
}

/** What a last checkpoint may take after a cancel. Behind a dead platform it would take for ever. */
const UPLOAD_GRACE_MS = 10_000

/** A job on a platform that speaks the contract. */
export async function createPlatformBackend(options: PlatformBackendOptions): Promise<PlatformBackend> {
  const { workDir, backoff, datasetCacheDir = join(workDir, 'dataset-cache') } = options
  await mkdir(workDir, { recursive: true })
  const transport = createTransport()
  const token = createTokenSource({ token: options.token, file: options.tokenFile })
  const withBackoff = backoff ? { backoff } : {}
  const api = createPlatformApi({
    baseUrl: options.callbackUrl,
    token,
    transport,
    traceparent: options.traceparent,
    ...withBackoff,
  })
  const journal = new Journal({
    api,
    token,
    attempt: options.attempt,
    spoolFile: join(workDir, '.trainyard', `journal-${options.attempt}.spool`),
    onStop: options.onStop,
    onWarning: options.onWarning,
    ...withBackoff,
  })
  // Uploads outlive a cancel, so that the last checkpoint can be saved, but not the close.
  const lifetime = new AbortController()
  const releases: (() => Promise<void>)[] = []
  const onStopped = () => setTimeout(() => lifetime.abort(options.stop?.reason), UPLOAD_GRACE_MS).unref()
  options.stop?.addEventListener('abort', onStopped, { once: true })

  return {
    isLocal: false,
    isResumed: journal.isResumed,
    get terminal() {
      return journal.terminal
    },
    append: (event) => journal.append(event),
    upload: (kind, file, artifactOptions) =>
      uploadFile({ api, transport, workDir, ...withBackoff }, kind, file, {
        ...artifactOptions,
        signal: lifetime.signal,
      }),
    async openDataset(signal) {
      const { key, isWhole } = await findCacheKey(signal)
      const fill = {
        ...{ api, transport, signal, isWhole },
        hasOwnSplits: options.datasetSplitId !== undefined,
        ...withBackoff,
      }
      const maxBytes = options.datasetCacheMaxBytes
      const cache = {
        cacheDir: datasetCacheDir,
        signal,
        onWarning: options.onWarning,
        ...(maxBytes === undefined ? {} : { maxBytes }),
      }
      const { dir, index, release } = await openCacheEntry({ ...cache, versionHash: key }, (target) =>
        fillFromPlatform(fill, target),
      )
      releases.push(release)
      const own = fill.hasOwnSplits ? await applyJobSplits({ ...fill, hasOwnSplits: false }, index) : index
      return {
        dir,
        index: own,
        async shareConversion(choices, convert) {
          const { openConversion } = await import('../cache/open-conversion.ts')
          try {
            const conversion = await openConversion({ ...cache, of: key, index: own, ...choices }, convert)
            releases.push(conversion.release)
            return conversion.dir
          } catch (error) {
            if (!isReadOnlyError(error)) throw error
            return undefined
          }
        },
      }
    },
    findCheckpoint: (signal) => findCheckpoint(signal),
    listImages: async () => undefined,
    redact: (text) => redact(text, [token.current()]),
    flush: (flushOptions) => journal.flush(flushOptions),
    async close(closeOptions) {
      try {
        return await journal.close(closeOptions)
      } finally {
        options.stop?.removeEventListener('abort', onStopped)
        lifetime.abort()
        await Promise.allSettled(releases.map((release) => release()))
        transport.close()
      }
    },
  }

  /** Jobs share an entry with the labelled images; one with all of them is another entry, where that makes a difference. */
  async function findCacheKey(signal: AbortSignal): Promise<{ key: string; isWhole: boolean }> {
    const { datasetVersionHash, withUnlabelled = false } = options
    if (datasetVersionHash !== undefined && !withUnlabelled) return { key: datasetVersionHash, isWhole: false }
    const { versionHash, counts } = DatasetManifest.parse(await api.call('GET', '/dataset', { signal }))
    if (!withUnlabelled || counts.labelled === counts.images) return { key: versionHash, isWhole: false }
    return { key: createHash('sha256').update(`${versionHash}:all`).digest('hex'), isWhole: true }
  }

  async function findCheckpoint(signal: AbortSignal): Promise<CheckpointFile | undefined> {
    const read = async () => CheckpointInput.parse(await api.call('GET', '/inputs/checkpoint', { signal }))
    let input: CheckpointInput
    try {
      input = await read()
    } catch (error) {
      if (error instanceof NetworkError && error.status === 404) return undefined
      throw error
    }
    const toSource = ({ request, sizeBytes, sha256 }: CheckpointInput) => ({
      url: request.url,
      headers: request.headers,
      sizeBytes,
      sha256,
    })
    const name = basename(input.name.replaceAll('\\', '/')) || 'checkpoint'
    const path = join(workDir, 'inputs', name)
    await mkdir(join(workDir, 'inputs'), { recursive: true })
    try {
      await downloadFile({ transport, signal, ...withBackoff }, toSource(input), path, name, async () =>
        toSource(await read()),
      )
    } catch (error) {
      if (signal.aborted) throw error
      throw new CheckpointError(error instanceof Error ? error.message : String(error), {
        cause: error,
        retryable: true,
      })
    }
    const { sizeBytes, resume } = input
    const found = { name, sizeBytes, ...(resume === undefined ? {} : { resume }) }
    if (!name.endsWith('.tar')) return { path, ...found }
    // A folder was saved: a folder is given back.
    const folder = path.slice(0, -'.tar'.length)
    const { unpackTar } = await import('modern-tar/fs')
    await pipeline(createReadStream(path), unpackTar(folder))
    return { path: folder, ...found }
  }
}
