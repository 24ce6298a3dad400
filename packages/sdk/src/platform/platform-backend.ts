import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CheckpointInput, redact } from '@trainyard/contract'
import { CheckpointError, NetworkError } from '@trainyard/contract/trainer-errors'
import type { BackoffOptions } from '@trainyard/datasets/transfer'
import { createTransport, downloadFile } from '@trainyard/datasets/transfer'
import { createPlatformApi } from '../http/platform-api.ts'
import { createTokenSource } from '../http/token-source.ts'
import type { CheckpointFile } from '../job.ts'
import { Journal } from '../journal/journal.ts'
import type { JournalStop } from '../journal/journal-options.ts'
import type { Backend } from '../session/backend.ts'
import { uploadFile } from '../storage/upload-file.ts'
import { createPlatformDataset, type PlatformDatasetOptions } from './platform-dataset.ts'

export interface PlatformBackendOptions {
  callbackUrl: string
  token?: string | undefined
  tokenFile?: string | undefined
  attempt: number
  workDir: string
  traceparent?: string | undefined
  dataset?: Pick<PlatformDatasetOptions, 'cacheDir' | 'filledBy' | 'maxBytes' | 'versionHash'> & {
    hasOwnSplits?: boolean
    withUnlabelled?: boolean
  }
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
  const { workDir, backoff } = options
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
  const dataset = createPlatformDataset({
    ...{ api, transport, workDir, hasOwnSplits: false, withUnlabelled: false, onWarning: options.onWarning },
    ...options.dataset,
    ...withBackoff,
  })
  // Uploads outlive a cancel, so that the last checkpoint can be saved, but not the close.
  const lifetime = new AbortController()
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
    openDataset: dataset.open,
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
        await dataset.release()
        transport.close()
      }
    },
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
