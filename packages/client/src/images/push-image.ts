import { openAsBlob } from 'node:fs'
import { pushBlob, putManifest } from '../publish/oci.ts'
import type { PublishOptions, PublishResult } from '../publish/options.ts'
import { PushSession } from '../publish/push-session.ts'
import { type BuiltImage, CONFIG_MEDIA_TYPE } from './image.ts'

export interface PushImageOptions extends Omit<PublishOptions, 'dir' | 'onProgress'> {
  image: BuiltImage
  onLayer?: ((layer: { digest: string; sizeBytes: number; sent: boolean }) => void) | undefined
  onWarning?: ((text: string) => void) | undefined
}

/**
 * Pushes an image that was built, as the version of its trainer. Layers that the registry has are not sent again.
 *
 * Throws {@link PushRefusedError} when the registry refuses the push, and `TrainyardUnreachableError` when it does not answer.
 */
export async function pushImage(options: PushImageOptions): Promise<PublishResult> {
  const { image, registryUrl, token, signal, onLayer, onWarning = () => undefined } = options
  const session = new PushSession({
    registryUrl,
    repository: image.name,
    token,
    fetch: options.fetch ?? fetch,
    signal,
    maxAttempts: options.maxAttempts ?? 5,
    retryMs: options.retryMs ?? 500,
    onWarning,
  })
  await session.withRetries(() => session.request({ method: 'GET', target: '/v2/', expect: [200] }))
  for (const { mediaType, digest, sizeBytes, file } of image.layers) {
    const blob = await openAsBlob(file)
    const sent = await pushBlob(session, { mediaType, digest, size: sizeBytes }, async () => blob.stream())
    onLayer?.({ digest, sizeBytes, sent })
  }
  const { bytes, digest } = image.config
  await pushBlob(session, { mediaType: CONFIG_MEDIA_TYPE, digest, size: bytes.length }, async () => bytes)
  const version = { version: image.version, body: image.manifest, digest: image.digest }
  return {
    name: image.name,
    version: image.version,
    digest: image.digest,
    checkId: await putManifest(session, version),
  }
}
