import { openAsBlob } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BUNDLE_CONFIG_MEDIA_TYPE,
  BUNDLE_MEDIA_TYPE,
  MANIFEST_FILE_NAME,
  type TrainerManifest,
} from '@trainyard/contract'
import { InvalidTrainerError, VersionExistsError } from '../errors.ts'
import { digestOf } from './digest-of.ts'
import { listBundleFiles } from './list-bundle-files.ts'
import { type Descriptor, findBundle, OCI_MANIFEST_MEDIA_TYPE, pushBlob, putManifest } from './oci.ts'
import type { PublishOptions, PublishProgress, PublishResult } from './options.ts'
import { packBundle } from './pack-bundle.ts'
import { PushSession } from './push-session.ts'
import { readManifest } from './read-manifest.ts'

/**
 * Packs a trainer's folder and pushes it to a registry.
 *
 * Throws {@link InvalidTrainerError} before anything is sent, {@link VersionExistsError} when the version exists with
 * other content, {@link PushRefusedError} when the registry refuses the push, and `TrainyardUnreachableError`
 * when it does not answer. Publishing the same content again succeeds.
 */
export async function publishTrainer(options: PublishOptions): Promise<PublishResult> {
  const { dir, onProgress = () => undefined } = options
  const { manifest: trainer, bytes: configBytes } = await readManifest(dir)
  const scratch = await mkdtemp(join(tmpdir(), 'trainyard-publish-'))
  try {
    const archive = join(scratch, 'bundle.tar.gz')
    const bundle = await pack(dir, archive, onProgress)
    const config: Descriptor = {
      mediaType: BUNDLE_CONFIG_MEDIA_TYPE,
      digest: digestOf(configBytes),
      size: configBytes.length,
    }
    const ociManifest = buildManifest(trainer, config, bundle)
    const digest = digestOf(ociManifest)

    const session = new PushSession({
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

    // Before the upload, so that a version that was not raised costs no time.
    const existing = await findBundle(session, trainer.version)
    if (existing?.isTaken && existing.digest !== digest) throw new VersionExistsError(trainer.name, trainer.version)
    if (existing?.digest === digest) onProgress({ type: 'exists', what: 'version' })
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
    return { name: trainer.name, version: trainer.version, digest, checkId }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function pack(
  dir: string,
  archive: string,
  onProgress: (progress: PublishProgress) => void,
): Promise<Descriptor> {
  const files = await listBundleFiles(dir)
  if (!files.some((file) => file.path === MANIFEST_FILE_NAME))
    throw new InvalidTrainerError(`.trainyardignore excludes ${MANIFEST_FILE_NAME}, which a bundle requires`)
  const sizeBytes = files.reduce((total, file) => total + file.sizeBytes, 0)
  onProgress({ type: 'packing', files: files.length, sizeBytes })
  const packed = await packBundle(dir, files, archive)
  onProgress({
    type: 'packed',
    files: files.length,
    sizeBytes,
    archiveBytes: packed.sizeBytes,
    digest: packed.digest,
  })
  return { mediaType: BUNDLE_MEDIA_TYPE, digest: packed.digest, size: packed.sizeBytes }
}

/** The file that clients for any artifact (`oras pull`) write: without a name for it they write none. */
function archiveNameOf({ name, version }: TrainerManifest): string {
  return `${name.replace('/', '-')}-${version}.tar.gz`
}

/** Without a creation time, so that the same folder gives the same digest. */
function buildManifest(trainer: TrainerManifest, config: Descriptor, bundle: Descriptor): Buffer<ArrayBuffer> {
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST_MEDIA_TYPE,
    artifactType: BUNDLE_MEDIA_TYPE,
    config,
    layers: [{ ...bundle, annotations: { 'org.opencontainers.image.title': archiveNameOf(trainer) } }],
    annotations: {
      'org.opencontainers.image.title': trainer.name,
      'org.opencontainers.image.version': trainer.version,
    },
  }
  return Buffer.from(JSON.stringify(manifest))
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
