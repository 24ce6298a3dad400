import { createHash, randomBytes } from 'node:crypto'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DecompressOptions, decompress } from './decompress.ts'

async function* pieces(bytes: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size)
    yield await Promise.resolve(bytes.subarray(offset, offset + size))
}

async function read(bytes: Uint8Array, { size, ...options }: DecompressOptions & { size?: number } = {}) {
  const out: Buffer[] = []
  for await (const chunk of decompress(pieces(bytes, size), options)) out.push(Buffer.from(chunk))
  return Buffer.concat(out)
}

/** A frame that decoders skip, as zstd:chunked writes it. */
function skippable(bytes: number, magic = 0x50): Buffer {
  const header = Buffer.from([magic, 0x2a, 0x4d, 0x18, 0, 0, 0, 0])
  header.writeUInt32LE(bytes, 4)
  return Buffer.concat([header, Buffer.alloc(bytes, 7)])
}

describe('decompress', () => {
  it('reads every frame and every member, however the stream is cut, and refuses other bytes after them', async () => {
    const part = fc.record({ text: fc.uint8Array({ maxLength: 300 }), skipped: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('gzip' as const, 'zstd' as const),
        fc.array(part, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 400 }),
        fc.constantFrom('', '\0', '\0\0\0\0', 'x', '\x1f', '(', '\0(\xb5/\xfd', 'PK'),
        async (packing, parts, size, trailing) => {
          const pack = packing === 'gzip' ? gzipSync : zstdCompressSync
          const packed = parts.map(({ text, skipped }) =>
            skipped && packing === 'zstd' ? Buffer.concat([skippable(text.length), pack(text)]) : pack(text),
          )
          const bytes = Buffer.concat([...packed, Buffer.from(trailing, 'latin1')])
          if (trailing === '') expect(await read(bytes, { size })).toEqual(Buffer.concat(parts.map(({ text }) => text)))
          else await expect(read(bytes, { size })).rejects.toMatchObject({ code: 'unprocessable' })
          await expect(read(Buffer.concat(packed).subarray(0, -1), { size })).rejects.toMatchObject({
            code: 'unprocessable',
          })
        },
      ),
      { numRuns: 60, seed: 20_261_129 },
    )
  })

  it('reads the second frame of zstd, which the decoder of Node leaves out', async () => {
    expect(String(await read(Buffer.concat([zstdCompressSync('benign '), zstdCompressSync('evil')])))).toBe(
      'benign evil',
    )
    expect(String(await read(Buffer.concat([skippable(20, 0x5f), zstdCompressSync('evil'), skippable(9)])))).toBe(
      'evil',
    )
  })

  it('reads a zstd frame with a window of 256 MiB, which the decoder of Node refuses by default', async () => {
    const bytes = Buffer.alloc(1_000_000, 'long ')
    const packed = zstdCompressSync(bytes, {
      params: { [constants.ZSTD_c_windowLog]: 28, [constants.ZSTD_c_contentSizeFlag]: 0 },
    })
    expect(await read(packed, { maxRatio: 1e6 })).toEqual(bytes)
  })

  it('reads a large stream of many members with its hash', async () => {
    const parts = Array.from({ length: 40 }, () => randomBytes(300_000))
    for (const pack of [gzipSync, zstdCompressSync]) {
      const out = await read(Buffer.concat(parts.map((part) => pack(part))), { size: 100_003 })
      expect(createHash('sha256').update(out).digest('hex')).toBe(
        createHash('sha256').update(Buffer.concat(parts)).digest('hex'),
      )
    }
  })

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('stops a bomb of %s while it is small', async (_, pack) => {
    const bomb = pack(Buffer.alloc(256 * 1024 * 1024))
    let out = 0
    const reading = (async () => {
      for await (const chunk of decompress(pieces(bomb))) out += chunk.length
    })()
    await expect(reading).rejects.toThrow(/more than 200 times its size/)
    expect(out).toBeLessThan(64 * 1024 * 1024)
  })

  it('refuses a stream without end of empty frames', async () => {
    const empty = Buffer.concat(Array.from({ length: 11_000 }, () => skippable(0)))
    await expect(read(empty)).rejects.toThrow(/too many parts/)
  })

  it.each([
    ['gzip where zstd is expected', gzipSync('x'), { packing: 'zstd' }, /is not zstd/],
    ['zstd where gzip is expected', zstdCompressSync('x'), { packing: 'gzip' }, /is not gzip/],
    ['bzip2', Buffer.from('BZh91AY'), {}, /is compressed with bzip2/],
    ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), {}, /is compressed with xz/],
    [
      'a damaged frame',
      Buffer.concat([zstdCompressSync('x').subarray(0, 6), Buffer.alloc(9, 255)]),
      {},
      /not valid zstd/,
    ],
  ] satisfies [string, Buffer, DecompressOptions, RegExp][])('refuses %s', async (_, bytes, options, message) => {
    await expect(read(bytes, options)).rejects.toThrow(message)
  })
})
