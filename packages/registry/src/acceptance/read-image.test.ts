import { gzipSync } from 'node:zlib'
import { makeTar } from '@trainyard/platform/testing'
import { describe, expect, test } from 'vitest'
import { readImage } from './read-image.ts'

const layer = (entries: Parameters<typeof makeTar>[0], pack = gzipSync) => {
  const bytes = pack(makeTar(entries))
  const open = async () =>
    (async function* () {
      yield bytes
    })()
  return { mediaType: `application/vnd.oci.image.layer.v1.tar${pack === gzipSync ? '+gzip' : ''}`, open }
}

const readAll = async (layers: ReturnType<typeof layer>[]) => readImage({ layers, paths: ['/trainer.json'] })

async function read(layers: ReturnType<typeof layer>[], ...paths: string[]): Promise<Record<string, string>> {
  const files = await readImage({ layers, paths })
  return Object.fromEntries(
    [...files].map(([path, file]) => [
      path,
      file.state === 'found' ? Buffer.from(file.content).toString() : file.state,
    ]),
  )
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
    const bad = {
      ...good,
      open: async () =>
        (async function* () {
          yield bytes
        })(),
    }
    await expect(readAll([bad, good])).rejects.toThrow(/other bytes after its end/)
  })
})
