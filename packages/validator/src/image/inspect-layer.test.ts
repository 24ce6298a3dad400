import { createHash } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { makeTar } from '@trainyard/platform/testing'
import { describe, expect, it } from 'vitest'
import { LayerRefused } from '../errors.ts'
import { type InspectLayerOptions, inspectLayer } from './inspect-layer.ts'

const OCI = 'application/vnd.oci.image.layer.v1.tar'
const DOCKER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += 65_536)
    yield await Promise.resolve(bytes.subarray(offset, offset + 65_536))
}

const inspect = (bytes: Uint8Array, mediaType: string, options: Partial<InspectLayerOptions> = {}) =>
  inspectLayer(pieces(bytes), { mediaType, ...options })

const tar = makeTar([
  { path: 'bin/su', mode: 0o4755, body: 'root' },
  { path: '/etc/', type: '5' },
])
const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`

describe('reading a layer', () => {
  it.each([
    ['tar', tar, OCI],
    ['gzip', gzipSync(tar), `${OCI}+gzip`],
    ['gzip in Docker’s type', gzipSync(tar), DOCKER],
    ['gzip of two members', Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))]), DOCKER],
    [
      'zstd of two frames',
      Buffer.concat([zstdCompressSync(tar.subarray(0, 700)), zstdCompressSync(tar.subarray(700))]),
      `${OCI}+zstd`,
    ],
    [
      'zstd that begins with a skippable frame',
      Buffer.concat([Buffer.from('\x50\x2a\x4d\x18\x02\0\0\0hi', 'latin1'), zstdCompressSync(tar)]),
      `${OCI}+zstd`,
    ],
  ])('lists its entries and computes its diff id, from %s', async (_, bytes, mediaType) => {
    const listing = await inspect(bytes, mediaType)
    expect(listing.entries).toMatchObject([
      { path: 'bin/su', type: 'file', mode: 0o4755, sizeBytes: 4 },
      { path: 'etc', type: 'directory' },
    ])
    expect(listing).toMatchObject({ diffId, unpackedBytes: tar.length })
  })

  it.each<[string, Buffer, string, RegExp]>([
    ['gzip in the type of zstd', gzipSync(tar), `${OCI}+zstd`, /is not zstd/],
    ['zstd in the type of gzip', zstdCompressSync(tar), DOCKER, /is not gzip/],
    ['a tar in the type of gzip', tar, DOCKER, /is not gzip/],
    ['gzip in the type of tar', gzipSync(tar), OCI, /cannot be read/],
    ['another type', tar, 'application/octet-stream', /has the media type "application\/octet-stream"/],
    [
      'a layer that is stored elsewhere',
      tar,
      'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
      /stored elsewhere/,
    ],
    [
      'bytes after gzip',
      Buffer.concat([gzipSync(tar), Buffer.from('\0\0')]),
      DOCKER,
      /other bytes after the end of gzip/,
    ],
    ['a second archive', Buffer.concat([tar, makeTar([{ path: 'evil' }])]), OCI, /other bytes after its end/],
    ['truncated gzip', gzipSync(tar).subarray(0, -3), DOCKER, /not valid gzip/],
  ])('refuses %s', async (_, bytes, mediaType, message) => {
    await expect(inspect(bytes, mediaType)).rejects.toThrow(LayerRefused)
    await expect(inspect(bytes, mediaType)).rejects.toThrow(message)
  })

  it.each<[string, InspectLayerOptions['limits'], RegExp]>([
    ['entries', { maxEntries: 1 }, /more than 1 entries/],
    ['bytes', { maxBytes: 1000 }, /more than 1000 bytes/],
    ['time', { maxMs: -1 }, /was not read within/],
  ])('has a limit of %s', async (_, limits, message) => {
    await expect(inspect(tar, OCI, { limits })).rejects.toThrow(message)
  })

  it('refuses 2 GiB of zeros in 2 MB after it has unpacked some of them', async () => {
    const megabyte = gzipSync(Buffer.alloc(64 * 1024 * 1024))
    const header = gzipSync(makeTar([{ path: 'zeros', sizeBytes: 2 ** 31 }]).subarray(0, 512))
    const bomb = Buffer.concat([header, ...Array.from({ length: 32 }, () => megabyte)])
    expect(bomb.length).toBeLessThan(2.2e6)
    let unpacked = 0
    const reading = inspect(bomb, DOCKER, {
      async onFile(_entry, file) {
        for await (const piece of file.stream()) unpacked += piece.length
      },
    })
    await expect(reading).rejects.toThrow(/more than 200 times its size/)
    expect(unpacked).toBeLessThan(256 * 1024 * 1024)
  })
})
