import { mkdtemp, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  type ArtifactKind,
  type CompleteArtifactRequest,
  CreateArtifactResponse,
  type SignedRequest,
} from '@trainyard/contract'
import { NetworkError, ResourceError, ValidationError } from '@trainyard/contract/trainer-errors'
import {
  asNetworkError,
  type BackoffOptions,
  createRetries,
  forEachConcurrently,
  isRetryableStatus,
  type RetryLimits,
  readRetryAfter,
  type Transport,
} from '@trainyard/datasets/transfer'
import type { PlatformApi } from '../http/platform-api.ts'
import type { ArtifactOptions, UploadedArtifact } from '../job.ts'
import { type FileRange, type FileState, readFileState, readRange, reasonOf, requireUnchanged } from './file-state.ts'

export interface UploadContext {
  api: PlatformApi
  transport: Transport
  /** Where the tar of a folder is written. */
  workDir: string
  backoff?: BackoffOptions | undefined
  /** Defaults: at least 8 tries and 10 minutes for one PUT. */
  limits?: RetryLimits | undefined
  /** Parts uploaded at the same time. Default 4. */
  parallelParts?: number | undefined
}

export interface UploadFileOptions extends ArtifactOptions {
  signal?: AbortSignal | undefined
}

/**
 * Uploads a file straight to storage; the platform then verifies its size and digest. A folder is sent as a tar. Throws
 * `ResourceError` when the file cannot be read, changes meanwhile or is larger than the platform allows, `ValidationError` when
 * the platform refuses its description, and `NetworkError` when storage does not accept it.
 */
export async function uploadFile(
  context: UploadContext,
  kind: ArtifactKind,
  file: string,
  options: UploadFileOptions = {},
): Promise<UploadedArtifact> {
  const stats = await stat(file).catch((error: unknown) => {
    throw new ResourceError(`"${file}" cannot be read: ${reasonOf(error)}`, { cause: error })
  })
  if (!stats.isDirectory()) return upload(context, kind, file, basename(file), options)
  const folder = await mkdtemp(join(context.workDir, 'upload-'))
  try {
    const archive = join(folder, 'folder.tar')
    await packFolder(file, archive)
    const { name = basename(file) } = options
    const archiveName = name.endsWith('.tar') ? name : `${name}.tar`
    return await upload(context, kind, archive, archiveName, { ...options, name: archiveName })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Packs a folder reproducibly: the same files give the same bytes. */
async function packFolder(dir: string, archive: string): Promise<void> {
  const { packTar } = await import('modern-tar/fs')
  const { createWriteStream } = await import('node:fs')
  const map = <T extends object>(header: T): T => ({
    ...header,
    mtime: new Date(0),
    uid: 0,
    gid: 0,
    uname: '',
    gname: '',
  })
  await pipeline(packTar(dir, { map, concurrency: 1 }), createWriteStream(archive))
}

async function upload(
  context: UploadContext,
  kind: ArtifactKind,
  file: string,
  defaultName: string,
  options: UploadFileOptions,
): Promise<UploadedArtifact> {
  const { name = defaultName, contentType = 'application/octet-stream', metadata, signal, onProgress } = options
  const { api } = context
  for (let isFirst = true; ; isFirst = false) {
    const state = await readFileState(file)
    const { sizeBytes, sha256 } = state
    const body = { kind, name, sizeBytes, sha256, contentType, metadata }
    const announce = async () => {
      try {
        return CreateArtifactResponse.parse(await api.call('POST', '/artifacts', { body, signal }))
      } catch (error) {
        throw asCallersMistake(error, name)
      }
    }
    const transfer = new FileTransfer(context, { state, announce, signal, onProgress })
    const { id, complete } = await transfer.send(await announce())
    const artifact = { id, name, sizeBytes, sha256 }
    if (complete === undefined) return artifact
    try {
      await api.call('POST', `/artifacts/${encodeURIComponent(id)}/complete`, { body: complete, signal })
      return artifact
    } catch (error) {
      // The stored bytes differ from the announcement: either the file changed, or they were damaged on the way.
      const isDamaged = error instanceof NetworkError && error.status === 422
      if (isDamaged) await requireUnchanged(state)
      if (!isDamaged || !isFirst) throw error
    }
  }
}

/** A refusal that the same call would get again is not a failure of the network. */
function asCallersMistake(error: unknown, name: string): unknown {
  if (!(error instanceof NetworkError)) return error
  const message = `"${name}" cannot be uploaded. ${error.message}`
  if (error.status === 413) return new ResourceError(message, { cause: error })
  if (error.status === 400 || error.status === 422) return new ValidationError(message, { cause: error })
  return error
}

/** The id of the artifact. Without `complete` the platform already has its bytes, and has verified them. */
interface SentBytes {
  id: string
  complete?: CompleteArtifactRequest | undefined
}

interface FileTransferOptions {
  state: FileState
  /** Announces the artifact; a repeated announcement returns fresh signatures. */
  announce: () => Promise<CreateArtifactResponse>
  signal: AbortSignal | undefined
  onProgress: ArtifactOptions['onProgress']
}

/** A fresh signature for the same bytes, or the ETag when storage already has them; undefined when they are not needed. */
type RenewSignature = () => Promise<SignedRequest | { etag: string } | undefined>

/** How often the signature of one PUT may be renewed: over a slow connection it can expire more than once. */
const MAX_RENEWALS = 3

/** Parts that expire together are renewed by one announcement. */
const RENEWAL_VALID_MS = 10_000

/** Sends the bytes of one file, in one request or in parts, as the platform asks. */
class FileTransfer {
  readonly #context: UploadContext
  readonly #options: FileTransferOptions
  readonly #sentBytes = new Map<number, number>()
  #renewed: { at: number; answer: Promise<CreateArtifactResponse> } | undefined

  constructor(context: UploadContext, options: FileTransferOptions) {
    this.#context = context
    this.#options = options
  }

  async send({ id, upload }: CreateArtifactResponse): Promise<SentBytes> {
    if (upload.type === 'none') return { id }
    return upload.type === 'single' ? await this.#sendWhole(id, upload.request) : await this.#sendParts(id, upload)
  }

  async #sendWhole(id: string, request: SignedRequest): Promise<SentBytes> {
    let artifactId = id
    const etag = await this.#put(1, request, { offset: 0, sizeBytes: this.#options.state.sizeBytes }, async () => {
      const fresh = await this.#renew()
      artifactId = fresh.id
      return fresh.upload.type === 'single' ? fresh.upload.request : undefined
    })
    return { id: artifactId, complete: etag === undefined ? undefined : {} }
  }

  async #sendParts(
    id: string,
    upload: Extract<CreateArtifactResponse['upload'], { type: 'parts' }>,
  ): Promise<SentBytes> {
    const { file } = this.#options.state
    // An earlier process of this job may have sent some parts.
    const parts = upload.held.map(({ partNumber, etag }) => ({ partNumber, etag }))
    for (const { partNumber, sizeBytes } of upload.held) this.#report(partNumber, sizeBytes)
    const partCount = upload.parts.length + parts.length
    await forEachConcurrently(upload.parts, this.#context.parallelParts ?? 4, async (part) => {
      const { partNumber } = part
      const etag = await this.#put(partNumber, part, part, async () => {
        const fresh = await this.#renew()
        if (fresh.upload.type !== 'parts') return undefined
        if (fresh.id !== id) throw new ResourceError(`The platform restarted the upload of "${file}"`)
        const unsent = fresh.upload.parts.find((other) => other.partNumber === partNumber)
        const held = fresh.upload.held.find((other) => other.partNumber === partNumber)
        return unsent ?? (held && { etag: held.etag })
      })
      if (etag !== undefined) parts.push({ partNumber, etag })
    })
    // Fewer when the platform received the whole file from another process meanwhile.
    if (parts.length < partCount) return { id }
    return { id, complete: { parts: parts.sort((a, b) => a.partNumber - b.partNumber) } }
  }

  /** Sends a range; each try opens the file again. Returns the ETag, or undefined when the bytes are no longer needed. */
  async #put(
    partNumber: number,
    signed: SignedRequest,
    range: FileRange,
    renew: RenewSignature,
  ): Promise<string | undefined> {
    const { transport, backoff, limits } = this.#context
    const { state, signal } = this.#options
    const retries = createRetries({ backoff, limits, signal })
    const host = new URL(signed.url).host
    let request = signed
    let renewals = 0
    for (;;) {
      let failure: Error
      let retryAfterMs: number | undefined
      const body = openRange(state, range, (sentBytes) => this.#report(partNumber, sentBytes))
      try {
        const { method, url } = request
        const headers = { ...request.headers, 'content-length': String(range.sizeBytes) }
        const response = await transport.send({ method, url, headers, body: body.stream, signal })
        const { status } = response
        const text = await response.text()
        if (status >= 200 && status < 300) {
          await requireUnchanged(state)
          this.#report(partNumber, range.sizeBytes)
          return String(response.headers.etag ?? '')
        }
        failure = new NetworkError(`Storage at ${host} answered an upload with ${status}${whyRefused(text)}`, {
          status,
          retryable: isRetryableStatus(status),
        })
        // Probably an expired signature. The clocks may differ, so its expiry time is not checked.
        if ((status === 403 || status === 401 || status === 400) && renewals < MAX_RENEWALS) {
          renewals++
          const fresh = await renew()
          if (fresh === undefined) return undefined
          if ('etag' in fresh) return fresh.etag
          if (fresh.url !== request.url) {
            request = fresh
            continue
          }
        }
        if (!isRetryableStatus(status)) throw failure
        retryAfterMs = readRetryAfter(response.headers)
      } catch (error) {
        const readError = body.error()
        if (readError !== undefined) throw readError
        if (error instanceof ResourceError) throw error
        failure = asNetworkError(error, host)
        if (!(failure instanceof NetworkError)) throw failure
        if (failure.status !== undefined && !isRetryableStatus(failure.status)) throw failure
      }
      if (!(await retries.wait(retryAfterMs))) throw failure
    }
  }

  #renew(): Promise<CreateArtifactResponse> {
    if (this.#renewed === undefined || performance.now() - this.#renewed.at > RENEWAL_VALID_MS)
      this.#renewed = { at: performance.now(), answer: this.#options.announce() }
    return this.#renewed.answer
  }

  #report(partNumber: number, sentBytes: number): void {
    this.#sentBytes.set(partNumber, sentBytes)
    const total = [...this.#sentBytes.values()].reduce((sum, bytes) => sum + bytes, 0)
    this.#options.onProgress?.({ sentBytes: total, totalBytes: this.#options.state.sizeBytes })
  }
}

/** A stream of a range of the file, and the error of reading it, if any. */
function openRange(
  state: FileState,
  range: FileRange,
  onProgress: (sentBytes: number) => void,
): { stream: Readable | ''; error(): Error | undefined } {
  if (range.sizeBytes === 0) return { stream: '', error: () => undefined }
  let failure: Error | undefined
  async function* read(): AsyncGenerator<Uint8Array> {
    let sent = 0
    try {
      for await (const chunk of readRange(state, range)) {
        sent += chunk.length
        onProgress(sent)
        yield chunk
      }
    } catch (error) {
      if (error instanceof Error) failure = error
      throw error
    }
  }
  return { stream: Readable.from(read(), { objectMode: false }), error: () => failure }
}

/** Code and message of storage's answer: only these, because S3 repeats what was signed in other fields. */
function whyRefused(text: string): string {
  const xml = [/<Code>([^<]{1,100})<\/Code>/.exec(text)?.[1], /<Message>([^<]{1,200})<\/Message>/.exec(text)?.[1]]
  if (xml[0] !== undefined) return `: ${xml.filter((part) => part !== undefined).join(', ')}`
  try {
    const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown }
    const parts = [code, detail].filter((part) => typeof part === 'string')
    return parts.length === 0 ? '' : `: ${parts.join(', ').slice(0, 300)}`
  } catch {
    return ''
  }
}
