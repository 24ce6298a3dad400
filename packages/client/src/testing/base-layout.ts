import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'

export interface BaseLayoutOptions {
  /** Files of its layer, empty. */
  files?: readonly string[] | undefined
  env?: readonly string[] | undefined
  architecture?: string | undefined
}

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** Writes a small base image as an OCI layout. Disposing it removes the folder. */
export async function createBaseLayout({
  files = ['usr/local/bin/python3.11'],
  env = ['PATH=/usr/local/bin:/usr/bin:/bin', 'PYTHON_VERSION=3.11.7'],
  architecture = 'amd64',
}: BaseLayoutOptions = {}): Promise<AsyncDisposable & { dir: string; blobs: Map<string, Buffer>; index: Buffer }> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-base-'))
  const blobs = new Map<string, Buffer>()
  const add = (bytes: Buffer, mediaType: string) => {
    blobs.set(digestOf(bytes), bytes)
    return { mediaType, digest: digestOf(bytes), size: bytes.length }
  }
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))
  const tar = await packTar(
    files.map((name) => ({ header: { name, type: 'file', size: 0, mode: 0o755, mtime: new Date(0) }, body: '' })),
  )
  const layer = add(gzipSync(tar), 'application/vnd.oci.image.layer.v1.tar+gzip')
  const config = add(
    json({
      architecture,
      os: 'linux',
      created: '2026-01-02T03:04:05Z',
      config: { Env: env, Cmd: ['python3'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
      history: [{ created_by: 'base' }],
    }),
    'application/vnd.oci.image.config.v1+json',
  )
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = add(json({ schemaVersion: 2, mediaType, config, layers: [layer] }), mediaType)
  const index = json({
    schemaVersion: 2,
    manifests: [Object.assign(manifest, { platform: { os: 'linux', architecture } })],
  })
  await mkdir(join(dir, 'blobs', 'sha256'), { recursive: true })
  await writeFile(join(dir, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }))
  await writeFile(join(dir, 'index.json'), index)
  for (const [digest, bytes] of blobs) await writeFile(join(dir, 'blobs', digest.replace(':', '/')), bytes)
  return { dir, blobs, index, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}
