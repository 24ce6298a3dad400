import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { packTar, unpackTar } from 'modern-tar'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  archiveImage,
  BaseImageError,
  BlobCache,
  type BuiltImage,
  buildImage,
  inspectBase,
  openBase,
  pushImage,
  readManifest,
  writeLayout,
} from '../files.ts'
import { createBaseLayout } from '../testing/base-layout.ts'
import { startOciReceiver } from '../testing/oci-receiver.ts'
import { sendJson, startTestServer } from '../testing/test-server.ts'
import { createTrainerFolder } from '../testing/test-trainer.ts'

let scratch: string
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'trainyard-image-test-'))
})
afterEach(() => rm(scratch, { recursive: true, force: true }))

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
let count = 0
const freshDir = async () => {
  count += 1
  const dir = join(scratch, String(count))
  await mkdir(dir, { recursive: true })
  return dir
}
const open = async (name: string, env: Record<string, string> = {}) =>
  await openBase({
    name,
    architecture: 'amd64',
    cache: new BlobCache(join(scratch, 'cache')),
    scratch: await freshDir(),
    env: { HOME: scratch, ...env },
  })

/** An environment of one package and one script. */
async function environment() {
  const dir = await freshDir()
  const files = { 'lib/python3.11/site-packages/alpha.py': 'x = 1\n', 'bin/alpha': '#!/p\n', '.lock': 'a lock of uv' }
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text, { mode: path.startsWith('bin/') ? 0o755 : 0o644 })
  }
  return { dir, python: { path: '/usr/local/bin/python3.11', version: '3.11.7' }, file: 'requirements.txt' }
}

async function build(dir: string, base: string): Promise<BuiltImage> {
  const { manifest } = await readManifest(dir)
  return await buildImage({
    dir,
    manifest,
    base: await open(base),
    environment: await environment(),
    scratch: await freshDir(),
  })
}

async function filesOf(image: BuiltImage, index: number) {
  const bytes = await readFile(image.layers[index]?.file ?? '')
  const entries = await unpackTar(gunzipSync(bytes))
  return entries.map(({ header: { name, type, mode, linkname } }) => [name, type, mode?.toString(8), linkname ?? ''])
}

test('builds the layers of the base, the packages and the trainer, with the same digest each time', async () => {
  await using base = await createBaseLayout()
  await using folder = await createTrainerFolder({ 'run.sh': '#!/bin/sh\n' })
  const first = await build(folder.dir, base.dir)
  await utimes(join(folder.dir, 'train.mjs'), 1, 1)
  const second = await build(folder.dir, base.dir)
  expect(second.digest).toBe(first.digest)
  expect(first.digest).toBe(digestOf(first.manifest))

  const config = JSON.parse(first.config.bytes.toString())
  expect(config).toMatchObject({
    architecture: 'amd64',
    os: 'linux',
    created: '2026-01-02T03:04:05Z',
    config: {
      User: '65532:65532',
      WorkingDir: '/opt/trainyard/trainer',
      Entrypoint: null,
      Cmd: ['node', 'train.mjs'],
      Env: [
        'PATH=/opt/trainyard/environment/bin:/usr/local/bin:/usr/bin:/bin',
        'PYTHON_VERSION=3.11.7',
        'VIRTUAL_ENV=/opt/trainyard/environment',
      ],
      Labels: { 'dev.trainyard.manifest': '/opt/trainyard/trainer/trainer.json' },
    },
  })
  expect(config.history).toHaveLength(3)
  expect(config.rootfs.diff_ids).toEqual(first.layers.map(({ diffId }) => diffId))
  for (const { file, digest, diffId, sizeBytes } of first.layers) {
    const bytes = await readFile(file)
    expect([digestOf(bytes), digestOf(gunzipSync(bytes)), bytes.length]).toEqual([digest, diffId, sizeBytes])
  }
  const environmentFiles = await filesOf(first, 1)
  expect(environmentFiles.map(([name]) => name)).not.toContain('opt/trainyard/environment/.lock')
  expect(environmentFiles).toEqual(
    expect.arrayContaining([
      ['opt/', 'directory', '755', ''],
      ['opt/trainyard/environment/bin/python', 'symlink', '777', '/usr/local/bin/python3.11'],
      ['opt/trainyard/environment/bin/python3', 'symlink', '777', 'python'],
      ['opt/trainyard/environment/bin/python3.11', 'symlink', '777', 'python'],
      ['opt/trainyard/environment/bin/alpha', 'file', '755', ''],
      ['opt/trainyard/environment/lib/python3.11/site-packages/alpha.py', 'file', '644', ''],
    ]),
  )
  expect(await filesOf(first, 2)).toEqual(
    expect.arrayContaining([
      ['opt/trainyard/trainer/run.sh', 'file', '755', ''],
      ['opt/trainyard/trainer/trainer.json', 'file', '644', ''],
    ]),
  )
})

test('writes an OCI layout, and an archive that engines load', async () => {
  await using base = await createBaseLayout()
  await using folder = await createTrainerFolder()
  const image = await build(folder.dir, base.dir)
  const dir = join(scratch, 'layout')
  await writeLayout(image, dir)
  const index = JSON.parse(await readFile(join(dir, 'index.json'), 'utf8'))
  expect(index.manifests).toMatchObject([{ digest: image.digest, size: image.manifest.length }])
  expect((await readdir(join(dir, 'blobs/sha256'))).sort()).toEqual(
    [image.digest, image.config.digest, ...image.layers.map(({ digest }) => digest)]
      .map((text) => text.slice(7))
      .sort(),
  )

  const chunks: Uint8Array[] = []
  for await (const chunk of archiveImage(image, 'acme/tiny:1.2.0')) chunks.push(chunk)
  const entries = await unpackTar(Buffer.concat(chunks))
  const saved = JSON.parse(
    Buffer.from(entries.find(({ header }) => header.name === 'manifest.json')?.data ?? '').toString(),
  )
  expect(saved).toEqual([
    {
      Config: `blobs/sha256/${image.config.digest.slice(7)}`,
      RepoTags: ['acme/tiny:1.2.0'],
      Layers: image.layers.map(({ digest }) => `blobs/sha256/${digest.slice(7)}`),
    },
  ])
  // The archive is a base image, too.
  const archive = join(scratch, 'image.tar')
  await writeFile(archive, Buffer.concat(chunks))
  expect((await open(archive)).layers.map(({ digest }) => digest)).toEqual(image.layers.map(({ digest }) => digest))
})

test('pushes only the layers that the registry does not have', async () => {
  await using registry = await startOciReceiver('ty_right')
  await using base = await createBaseLayout()
  await using folder = await createTrainerFolder()
  const push = async () => {
    const sent: boolean[] = []
    const image = await build(folder.dir, base.dir)
    const options = { registryUrl: registry.url, token: 'ty_right', retryMs: 1 }
    const result = await pushImage({ image, ...options, onLayer: (layer) => sent.push(layer.sent) })
    return { sent, result, image }
  }
  const { sent, result, image } = await push()
  expect(sent).toEqual([true, true, true])
  expect(result).toEqual({ name: 'acme/tiny', version: '1.2.0', digest: image.digest, checkId: 'chk_1' })
  expect(registry.manifests.get('1.2.0')?.body).toEqual(image.manifest)
  await writeFile(join(folder.dir, 'train.mjs'), 'console.log("changed")\n')
  expect((await push()).sent).toEqual([false, false, true])
})

test('pulls a base image from its registry, once, for the platform', async () => {
  await using base = await createBaseLayout()
  const asked: string[] = []
  await using server = await startTestServer((request, response) => {
    asked.push(request.url ?? '')
    const [, reference = ''] = /\/(?:manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? []
    if (request.url?.startsWith('/v2/other/'))
      return sendJson(response, 401, {}, { 'www-authenticate': 'Basic realm="test"' })
    const bytes = reference === '3.11' ? base.index : base.blobs.get(reference)
    if (bytes === undefined) return void response.writeHead(404).end()
    return void response.writeHead(200).end(bytes)
  })
  const { host } = new URL(server.url)
  const name = `${host}/library/python:3.11`
  const opened = await open(name)
  const local = await open(base.dir)
  expect(opened.layers.map(({ digest }) => digest)).toEqual(local.layers.map(({ digest }) => digest))
  expect(opened.digest).toMatch(/^sha256:/)
  expect(local.digest).toBeUndefined()
  const layer = opened.layers[0]
  asked.length = 0
  await open(name)
  expect(asked.filter((url) => url.endsWith(layer?.digest ?? '-'))).toEqual([])
  // A damaged file of the cache is not used.
  await truncate(layer?.file ?? '', 10)
  await open(name)
  expect(digestOf(await readFile(layer?.file ?? ''))).toBe(layer?.digest)

  await expect(open(`${host}/library/python:9`)).rejects.toThrow(`${host} has no image library/python`)
  await expect(open(`${host}/other/python:3.11`)).rejects.toThrow(
    `${host} does not let you read other/python (401): if it exists, run "docker login ${host}"`,
  )
})

test('reads the archive of an engine, and asks the engine before the registry', async () => {
  await using base = await createBaseLayout()
  const [layer] = (await open(base.dir)).layers
  const manifest = [...base.blobs.values()].map((bytes) => bytes.toString()).find((text) => text.includes('"diff_ids"'))
  const tar = gunzipSync(await readFile(layer?.file ?? ''))
  const part = (name: string, body: string | Buffer) => ({
    header: { name, size: body.length, type: 'file' as const },
    body,
  })
  const archive = await packTar([
    part('config.json', manifest ?? ''),
    part('1/layer.tar', tar),
    part('manifest.json', JSON.stringify([{ Config: 'config.json', RepoTags: null, Layers: ['1/layer.tar'] }])),
  ])
  const asked: string[] = []
  const opened = await openBase({
    name: 'python:3.11-slim',
    architecture: 'amd64',
    cache: new BlobCache(join(scratch, 'cache')),
    scratch: await freshDir(),
    env: {},
    async save(name, target) {
      asked.push(name)
      await writeFile(target, archive)
      return true
    },
  })
  expect(asked).toEqual(['python:3.11-slim'])
  expect(opened.layers.map(({ diffId }) => diffId)).toEqual([layer?.diffId])
  expect(opened.layers[0]?.mediaType).toBe('application/vnd.oci.image.layer.v1.tar+gzip')
})

test('finds the Pythons of a base image in the order of PATH, and its C library', async () => {
  await using debian = await createBaseLayout({ files: ['usr/bin/python3.9', 'usr/local/bin/python3.11', './etc/os'] })
  expect(await inspectBase(await open(debian.dir), join(scratch, 'names'))).toEqual({
    libc: 'glibc',
    pythons: [
      { path: '/usr/local/bin/python3.11', version: '3.11.7' },
      { path: '/usr/bin/python3.9', version: '3.9' },
    ],
  })
  await using alpine = await createBaseLayout({ files: ['lib/ld-musl-x86_64.so.1', 'usr/bin/python3.12'], env: [] })
  expect(await inspectBase(await open(alpine.dir), join(scratch, 'names'))).toEqual({
    libc: 'musl',
    pythons: [{ path: '/usr/bin/python3.12', version: '3.12' }],
  })
})

test('refuses what is not a base image, with the reason', async () => {
  await using folder = await createTrainerFolder({ 'README.md': 'not an archive' })
  await expect(open(folder.dir)).rejects.toThrow(`${folder.dir} is not an OCI layout`)
  await expect(open(join(folder.dir, 'README.md'))).rejects.toThrow(BaseImageError)
  await expect(open('no image')).rejects.toThrow(
    'the base image "no image" is neither a file nor the name of an image: expected NAME:TAG',
  )
  await using arm = await createBaseLayout({ architecture: 'arm64' })
  await using other = await createBaseLayout({ files: ['opt/trainyard/environment/bin/python3.11'] })
  // The only image of a layout is taken: the caller compares its architecture.
  expect((await open(arm.dir)).config.architecture).toBe('arm64')
  await expect(inspectBase(await open(other.dir), join(scratch, 'names'))).rejects.toThrow(
    'it is the image of a trainer, built by this command',
  )
})
