import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { makeTar, type TarEntrySpec } from '@trainyard/platform/testing'
import { describe, expect, test } from 'vitest'
import { inspectLayer } from './inspect-layer.ts'
import { type ImageLayer, type LayerReader, readImage, readImageFile } from './read-image.ts'

interface TestLayer extends ImageLayer {
  bytes: Uint8Array
}

const toLayer = (bytes: Uint8Array, mediaType: string): TestLayer => ({
  digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
  mediaType,
  sizeBytes: bytes.byteLength,
  bytes,
})
const layer = (entries: TarEntrySpec[], pack: (bytes: Buffer) => Buffer = gzipSync) =>
  toLayer(pack(makeTar(entries)), `application/vnd.oci.image.layer.v1.tar${pack === gzipSync ? '+gzip' : ''}`)

async function* bodyOf(one: ImageLayer): AsyncGenerator<Uint8Array> {
  yield (one as TestLayer).bytes
}

const reader: LayerReader = {
  list: async (one) => inspectLayer(bodyOf(one), one),
  async read(one, expected, maxBytes) {
    let content: Uint8Array | undefined
    await inspectLayer(bodyOf(one), {
      ...one,
      async onFile(_, file, index) {
        if (index === expected) content = await file.read(maxBytes)
      },
    })
    return content
  },
}

async function read(layers: TestLayer[], ...paths: string[]): Promise<Record<string, string>> {
  const view = await readImage(layers, reader)
  const found: Record<string, string> = {}
  for (const path of paths) {
    const file = await readImageFile(view, path, layers, reader)
    found[path] = file.state === 'found' ? Buffer.from(file.content).toString() : file.state
  }
  return found
}

describe('reading files from an image', () => {
  test('reads several files from one small layer', async () => {
    const top = layer([
      { path: 'app/trainer.json', body: '{}' },
      { path: 'app/README.md', body: '# Hello' },
      { path: 'app/LICENSE', body: 'Apache' },
    ])
    expect(await read([top], '/app/trainer.json', '/app/README.md')).toEqual({
      '/app/trainer.json': '{}',
      '/app/README.md': '# Hello',
    })
  })

  test('lets an upper layer override and white out files of lower layers', async () => {
    const below = layer([
      { path: 'trainer.json', body: 'old' },
      { path: 'app/README.md', body: 'old' },
    ])
    const above = layer([
      { path: 'trainer.json', body: 'new' },
      { path: '.wh.app', body: '' },
    ])
    expect(await read([below, above], '/trainer.json', '/app/README.md')).toEqual({
      '/trainer.json': 'new',
      '/app/README.md': 'absent',
    })
  })

  test('skips large files, also in uncompressed layers', async () => {
    const plain = layer(
      [
        { path: 'bin/node', body: 'x'.repeat(3_000_000) },
        { path: 'trainer.json', body: '{}' },
      ],
      (bytes) => Buffer.from(bytes as Buffer),
    )
    expect(await read([plain], '/trainer.json')).toEqual({ '/trainer.json': '{}' })
  })

  test('reads a hard link, and the last of two equal paths', async () => {
    const top = layer([
      { path: 'manifest', body: 'first' },
      { path: 'manifest', body: 'last' },
      { path: 'trainer.json', type: '1', linkName: 'manifest' },
    ])
    expect(await read([top], '/trainer.json')).toEqual({ '/trainer.json': 'last' })
  })

  test('refuses an image whose lower layer has a hidden second archive', async () => {
    const good = layer([{ path: 'trainer.json', body: '{}' }])
    const bytes = Buffer.concat([gzipSync(makeTar([{ path: 'a' }])), gzipSync(makeTar([{ path: 'evil' }]))])
    const bad = toLayer(bytes, good.mediaType)
    await expect(readImage([bad, good], reader)).rejects.toMatchObject({
      message: expect.stringContaining('other bytes after its end'),
      layer: bad.digest,
    })
  })
})
