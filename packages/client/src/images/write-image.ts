import { createReadStream } from 'node:fs'
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createTarPacker, type TarHeader } from 'modern-tar'
import { OCI_MANIFEST_MEDIA_TYPE } from '../publish/oci.ts'
import type { BuiltImage } from './image.ts'

type Part = { path: string } & ({ bytes: Uint8Array } | { file: string; sizeBytes: number })

/** Writes an image as an OCI layout into a folder, which appears complete or not at all. An existing layout is replaced. */
export async function writeLayout(image: BuiltImage, dir: string): Promise<void> {
  const draft = `${dir}.draft-${process.pid}`
  await rm(draft, { recursive: true, force: true })
  try {
    await mkdir(join(draft, 'blobs', 'sha256'), { recursive: true })
    for (const part of partsOf(image)) {
      const target = join(draft, part.path)
      if ('bytes' in part) await writeFile(target, part.bytes)
      else await copyFile(part.file, target)
    }
    await rm(dir, { recursive: true, force: true })
    await mkdir(dirname(dir), { recursive: true })
    await rename(draft, dir)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Streams an image as an archive that is an OCI layout, and that `docker load` and `podman load` accept as `tag`. */
export async function* archiveImage(image: BuiltImage, tag: string): AsyncGenerator<Uint8Array> {
  const { readable, controller } = createTarPacker()
  const pack = async () => {
    for (const part of [...partsOf(image), savedManifest(image, tag)]) {
      const size = 'bytes' in part ? part.bytes.length : part.sizeBytes
      const header: TarHeader = { name: part.path, type: 'file', size, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 }
      const entry = controller.add(header).getWriter()
      if ('bytes' in part) await entry.write(part.bytes)
      else for await (const chunk of createReadStream(part.file)) await entry.write(chunk)
      await entry.close()
    }
    controller.finalize()
  }
  const packing = pack().catch((error: unknown) => controller.error(error))
  yield* readable
  await packing
}

const blobPath = (digest: string) => `blobs/${digest.replace(':', '/')}`

function partsOf({ digest, manifest, config, layers, version }: BuiltImage): Part[] {
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        mediaType: OCI_MANIFEST_MEDIA_TYPE,
        digest,
        size: manifest.length,
        annotations: { 'org.opencontainers.image.ref.name': version },
      },
    ],
  }
  const files = new Map(layers.map((layer) => [layer.digest, layer]))
  return [
    { path: 'oci-layout', bytes: Buffer.from(JSON.stringify({ imageLayoutVersion: '1.0.0' })) },
    { path: 'index.json', bytes: Buffer.from(JSON.stringify(index)) },
    { path: blobPath(digest), bytes: manifest },
    { path: blobPath(config.digest), bytes: config.bytes },
    ...[...files.values()].map(({ digest: of, file, sizeBytes }) => ({ path: blobPath(of), file, sizeBytes })),
  ]
}

/** What engines before Docker 25 read of an archive. */
function savedManifest({ config, layers }: BuiltImage, tag: string): Part {
  const saved = [
    { Config: blobPath(config.digest), RepoTags: [tag], Layers: layers.map(({ digest }) => blobPath(digest)) },
  ]
  return { path: 'manifest.json', bytes: Buffer.from(JSON.stringify(saved)) }
}
