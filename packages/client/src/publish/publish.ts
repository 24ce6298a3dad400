import { createHash } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BUNDLE_CONFIG_MEDIA_TYPE, BUNDLE_MEDIA_TYPE, MANIFEST_FILE_NAME } from '@trainyard/contract'
import { z } from 'zod'
import { InvalidTrainerError, PushRefusedError, VersionExistsError } from '../errors.ts'
import type { PublishOptions, PublishResult } from '../publish-trainer.ts'
import { listBundleFiles } from './list-bundle-files.ts'
import { packBundle } from './pack-bundle.ts'
import { createPushSession, type PushSession } from './push-session.ts'
import { readManifest } from './read-manifest.ts'

const OCI_MANIFEST_MEDIA_TYPE = 'application/vnd.oci.image.manifest.v1+json'

interface Descriptor {
  mediaType: string
  digest: string
  size: number
}

/** See `publishTrainer`, which is this, loaded when it is called. */
export async function publish(options: PublishOptions): Promise<PublishResult> {
  const { dir, onProgress = () => undefined } = options
  const { manifest: trainer, bytes: configBytes } = await readManifest(dir)
  const files = await listBundleFiles(dir)
  if (!files.some((file) => file.path === MANIFEST_FILE_NAME))
    throw new InvalidTrainerError(`.trainyardignore leaves out ${MANIFEST_FILE_NAME}, which every bundle needs`)
  const sizeBytes = files.reduce((total, file) => total + file.sizeBytes, 0)
  onProgress({ type: 'packing', files: files.length, sizeBytes })

  const scratch = await mkdtemp(join(tmpdir(), 'trainyard-publish-'))
  try {
    const archive = join(scratch, 'bundle.tar.gz')
    const packed = await packBundle(dir, files, archive)
    onProgress({
      type: 'packed',
      files: files.length,
      sizeBytes,
      archiveBytes: packed.sizeBytes,
      digest: packed.digest,
    })

    const config: Descriptor = {
      mediaType: BUNDLE_CONFIG_MEDIA_TYPE,
      digest: digestOf(configBytes),
      size: configBytes.length,
    }
    const bundle: Descriptor = { mediaType: BUNDLE_MEDIA_TYPE, digest: packed.digest, size: packed.sizeBytes }
    const ociManifest = buildManifest({ config, bundle, title: trainer.name, version: trainer.version })
    const digest = digestOf(ociManifest)

    const session = createPushSession({
      registryUrl: options.registryUrl,
      repository: trainer.name,
      token: options.token,
      fetch: options.fetch ?? fetch,
      signal: options.signal,
      maxAttempts: options.maxAttempts ?? 5,
      retryMs: options.retryMs ?? 500,
      onWarning: (text) => onProgress({ type: 'warning', text }),
    })
    await session.withRetries(() => session.request({ method: 'GET', target: '/v2/', expect: [200] }))

    // Asked before the upload, so that a forgotten version bump costs nothing.
    const taken = await findBundleDigest(session, trainer.version)
    if (taken !== undefined && taken !== digest) throw new VersionExistsError(trainer.name, trainer.version)
    if (taken === digest) onProgress({ type: 'exists', what: 'version' })
    else {
      await pushBlob(session, config, async () => configBytes)
      const blob = await openAsBlob(archive)
      const sent = await pushBlob(session, bundle, async () =>
        countBytes(blob.stream(), (sentBytes) => onProgress({ type: 'uploading', sentBytes, totalBytes: bundle.size })),
      )
      if (!sent) onProgress({ type: 'exists', what: 'bundle' })
    }

    const checkId = await putManifest(session, { version: trainer.version, body: ociManifest, digest })
    onProgress({ type: 'pushed', digest })
    return { name: trainer.name, version: trainer.version, digest, ...(checkId === undefined ? {} : { checkId }) }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** No time of creation: the same folder must give the same digest. */
function buildManifest(options: {
  config: Descriptor
  bundle: Descriptor
  title: string
  version: string
}): Buffer<ArrayBuffer> {
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST_MEDIA_TYPE,
    artifactType: BUNDLE_MEDIA_TYPE,
    config: options.config,
    layers: [options.bundle],
    annotations: {
      'org.opencontainers.image.title': options.title,
      'org.opencontainers.image.version': options.version,
    },
  }
  return Buffer.from(JSON.stringify(manifest))
}

/** The digest of the bundle that a version has; a version that only an image holds can still be given one. */
async function findBundleDigest(session: PushSession, version: string): Promise<string | undefined> {
  const response = await session.withRetries(() =>
    session.request({
      method: 'GET',
      target: `/v2/${session.repository}/manifests/${version}`,
      headers: { accept: `${OCI_MANIFEST_MEDIA_TYPE}, */*` },
      // Who may not read here may still be allowed to push: the push will tell.
      expect: [200, 401, 403, 404],
    }),
  )
  const text = await response.text()
  if (response.status !== 200) return undefined
  const isBundle = BundleManifest.safeParse(parseJson(text)).success
  return isBundle ? (response.headers.get('docker-content-digest') ?? undefined) : undefined
}

const BundleManifest = z.object({ artifactType: z.literal(BUNDLE_MEDIA_TYPE) })

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Returns whether anything had to be sent. */
async function pushBlob(session: PushSession, blob: Descriptor, body: () => Promise<BodyInit>): Promise<boolean> {
  return session.withRetries(async () => {
    const target = `/v2/${session.repository}/blobs/${blob.digest}`
    const held = await session.request({ method: 'HEAD', target, expect: [200, 404] })
    if (held.status === 200) return false
    const opened = await session.request({
      method: 'POST',
      target: `/v2/${session.repository}/blobs/uploads/`,
      headers: { 'content-length': '0' },
      expect: [202],
    })
    const location = opened.headers.get('location')
    if (location === null)
      throw new PushRefusedError(
        opened.status,
        'unexpected_answer',
        'The registry opened an upload without saying where',
      )
    await opened.body?.cancel()
    const stored = await session.request({
      method: 'PUT',
      // The location may have a query of its own.
      target: `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(blob.digest)}`,
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) },
      body,
      expect: [201],
    })
    await stored.body?.cancel()
    return true
  })
}

async function putManifest(
  session: PushSession,
  options: { version: string; body: Buffer<ArrayBuffer>; digest: string },
): Promise<string | undefined> {
  try {
    const response = await session.withRetries(() =>
      session.request({
        method: 'PUT',
        target: `/v2/${session.repository}/manifests/${options.version}`,
        headers: { 'content-type': OCI_MANIFEST_MEDIA_TYPE },
        body: async () => options.body,
        expect: [200, 201],
      }),
    )
    await response.body?.cancel()
    return response.headers.get('trainyard-check') ?? undefined
  } catch (error) {
    if (!(error instanceof PushRefusedError) || error.status >= 500) throw error
    // Another push may have taken the version since we asked.
    const taken = await findBundleDigest(session, options.version).catch(() => undefined)
    if (taken !== undefined && taken !== options.digest)
      throw new VersionExistsError(session.repository, options.version)
    throw error
  }
}

function countBytes(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onBytes: (total: number) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let total = 0
  return stream.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        total += chunk.length
        onBytes(total)
        controller.enqueue(chunk)
      },
    }),
  )
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
