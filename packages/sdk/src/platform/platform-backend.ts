import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ArtifactKind, redact } from '@trainyard/contract'
import { spoolPath } from '@trainyard/contract/spool'
import { type BackoffOptions, createTransport, type Transport } from '@trainyard/datasets/transfer'
import { createPlatformApi, type PlatformApi } from '../http/platform-api.ts'
import { createTokenSource, type TokenSource } from '../http/token-source.ts'
import type { ArtifactOptions, CheckpointFile, PredictImage, UploadedArtifact } from '../job.ts'
import { Journal } from '../journal/journal.ts'
import type { CloseReport, JournalStop } from '../journal/journal-options.ts'
import type { NewEvent } from '../journal/new-event.ts'
import type { Backend, FetchProgress, NextImages, OpenedDataset } from '../session/backend.ts'
import { uploadFile } from '../storage/upload-file.ts'
import { downloadCheckpoint } from './download-checkpoint.ts'
import { PlatformDataset, type PlatformDatasetOptions } from './platform-dataset.ts'
import { receiveImages } from './receive-images.ts'

export interface PlatformBackendOptions {
  callbackUrl: string
  token?: string | undefined
  tokenFile?: string | undefined
  attempt: number
  workDir: string
  traceparent?: string | undefined
  dataset?:
    | Pick<
        PlatformDatasetOptions,
        'cacheDir' | 'filledBy' | 'maxBytes' | 'versionHash' | 'hasOwnSplits' | 'withUnlabelled'
      >
    | undefined
  /** Aborted when the job must stop. Uploads in progress then have {@link UPLOAD_GRACE_MS} left. */
  stop?: AbortSignal | undefined
  onStop: (stop: JournalStop) => void
  onWarning: (message: string) => void
  backoff?: BackoffOptions | undefined
  /** Called once at the end, with whether the platform knows how the attempt ended. */
  onClosed?: ((how: { isOver: boolean }) => Promise<void>) | undefined
}

/** Time for the last checkpoint after a cancel. Without a limit the upload to an unreachable platform would not end. */
const UPLOAD_GRACE_MS = 10_000

/** A job on a platform that implements the contract. */
export class PlatformBackend implements Backend {
  readonly isLocal = false
  readonly #options: PlatformBackendOptions
  readonly #transport: Transport
  readonly #token: TokenSource
  readonly #api: PlatformApi
  readonly #journal: Journal
  readonly #dataset: PlatformDataset
  /** Ends with the close, not with a cancel: the last checkpoint can still be uploaded. */
  readonly #uploads = new AbortController()
  readonly #onStopped = () => {
    setTimeout(() => this.#uploads.abort(this.#options.stop?.reason), UPLOAD_GRACE_MS).unref()
  }

  constructor(options: PlatformBackendOptions) {
    const { attempt, workDir, traceparent, backoff, onStop, onWarning } = options
    mkdirSync(workDir, { recursive: true })
    this.#options = options
    this.#transport = createTransport()
    this.#token = createTokenSource({ token: options.token, file: options.tokenFile })
    this.#api = createPlatformApi({
      baseUrl: options.callbackUrl,
      token: this.#token,
      transport: this.#transport,
      traceparent,
      backoff,
    })
    this.#journal = new Journal({
      api: this.#api,
      token: this.#token,
      attempt,
      spoolFile: join(workDir, spoolPath(attempt)),
      onStop,
      onWarning,
      backoff,
    })
    this.#dataset = new PlatformDataset({
      ...options.dataset,
      api: this.#api,
      transport: this.#transport,
      workDir,
      onWarning,
      backoff,
    })
    options.stop?.addEventListener('abort', this.#onStopped, { once: true })
  }

  get isResumed(): boolean {
    return this.#journal.isResumed
  }

  /** The terminal event that an earlier process of this attempt left in the journal. */
  get terminal(): Journal['terminal'] {
    return this.#journal.terminal
  }

  append(event: NewEvent): void {
    this.#journal.append(event)
  }

  async upload(kind: ArtifactKind, file: string, options: ArtifactOptions): Promise<UploadedArtifact> {
    const { workDir, backoff } = this.#options
    const context = { api: this.#api, transport: this.#transport, workDir, backoff }
    return await uploadFile(context, kind, file, { ...options, signal: this.#uploads.signal })
  }

  openDataset(signal: AbortSignal, onProgress?: FetchProgress): Promise<OpenedDataset> {
    return this.#dataset.open(signal, onProgress)
  }

  async findCheckpoint(signal: AbortSignal): Promise<CheckpointFile | undefined> {
    const { workDir, backoff } = this.#options
    return await downloadCheckpoint({ api: this.#api, transport: this.#transport, workDir, signal, backoff })
  }

  async listImages(signal: AbortSignal): Promise<PredictImage[] | undefined> {
    for (;;) {
      const next = await this.#receive('last=true', signal)
      if (next === undefined || next.images.length > 0 || next.done) return next?.images
    }
  }

  async nextImages(after: string, signal: AbortSignal): Promise<NextImages | undefined> {
    return await this.#receive(`after=${encodeURIComponent(after)}`, signal)
  }

  async #receive(query: string, signal: AbortSignal): Promise<NextImages | undefined> {
    const { workDir, backoff } = this.#options
    return await receiveImages({ api: this.#api, transport: this.#transport, workDir, signal, backoff }, query)
  }

  redact(text: string): string {
    return redact(text, [this.#token.current()])
  }

  flush(options: { timeoutMs: number }): Promise<boolean> {
    return this.#journal.flush(options)
  }

  flushToDisk(): void {
    this.#journal.flushToDisk()
  }

  async close(options: { timeoutMs: number }): Promise<CloseReport> {
    let isOver = false
    try {
      const report = await this.#journal.close(options)
      isOver = report.delivered && this.#journal.terminal !== undefined
      return report
    } finally {
      await this.#options.onClosed?.({ isOver })
      this.#options.stop?.removeEventListener('abort', this.#onStopped)
      this.#uploads.abort()
      await this.#dataset.release()
      this.#transport.close()
    }
  }
}
