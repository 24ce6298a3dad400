import { gunzipSync, gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import { digestOf, type Harness, pushBlob, trainerManifest } from './harness.ts'

const IMAGE_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const IMAGE_INDEX = 'application/vnd.oci.image.index.v1+json'
export const IMAGE_CONFIG = 'application/vnd.oci.image.config.v1+json'
export const IMAGE_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

export interface PushedDescriptor {
  mediaType: string
  digest: string
  size: number
}

interface Target {
  harness: Harness
  name: string
  token: string
}

/** Pushes bytes as a blob and returns their descriptor. */
export async function pushContent(
  { harness, name, token }: Target,
  mediaType: string,
  content: Uint8Array | string,
): Promise<PushedDescriptor> {
  const bytes = Buffer.from(content)
  return { mediaType, digest: await pushBlob(harness, { name, token, bytes }), size: bytes.byteLength }
}

/** Pushes a manifest by a tag, or by its digest. */
export async function pushManifest(
  { harness, name, token }: Target,
  body: object | string,
  { tag, mediaType = IMAGE_MANIFEST }: { tag?: string | undefined; mediaType?: string | undefined } = {},
): Promise<{ response: Response; descriptor: PushedDescriptor }> {
  const text = typeof body === 'string' ? body : JSON.stringify({ schemaVersion: 2, mediaType, ...body })
  const digest = digestOf(text)
  const response = await harness.request(`/v2/${name}/manifests/${tag ?? digest}`, {
    method: 'PUT',
    token,
    headers: { 'content-type': mediaType },
    body: text,
  })
  return { response, descriptor: { mediaType, digest, size: Buffer.byteLength(text) } }
}

export async function layerOf(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const entries = Object.entries(files).map(([name, body]) => ({
    header: { name, type: 'file' as const, size: Buffer.byteLength(body), mode: 0o644, mtime: new Date(0) },
    body,
  }))
  return gzipSync(await packTar(entries))
}

/** The fields of an image manifest whose trainer.json fits `version`, with these layers below it. */
export async function imageFields(
  target: Target,
  version: string,
  {
    files = {},
    below = [],
    architecture = 'amd64',
  }: { files?: Record<string, string>; below?: readonly PushedDescriptor[]; architecture?: string } = {},
) {
  const trainer = JSON.stringify(trainerManifest(target.name, version))
  const layer = await pushContent(target, IMAGE_LAYER, await layerOf({ 'trainer.json': trainer, ...files }))
  const layers = [...below, layer]
  const diffIds = []
  for (const { digest } of layers) diffIds.push(digestOf(gunzipSync(await readBlob(target, digest))))
  const config = {
    architecture,
    os: 'linux',
    config: { User: '10001', Cmd: ['/train'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
  }
  return { config: await pushContent(target, IMAGE_CONFIG, JSON.stringify(config)), layers }
}

async function readBlob({ harness, name, token }: Target, digest: string): Promise<Uint8Array> {
  const response = await harness.request(`/v2/${name}/blobs/${digest}`, { token })
  if (!response.ok) throw new Error(`the blob ${digest} of ${name} returned ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}
