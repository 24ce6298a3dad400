import { join } from 'node:path'
import { encode } from 'fast-png'
import { expect, it } from 'vitest'
import { inspectImage } from '../images/image-header.ts'
import { createPng } from '../testing/test-dataset.ts'
import { createJpeg, createTiff, createWebp, insertPngChunk } from '../testing/test-images.ts'
import { readAll, temporaryFolder, writeTree } from '../testing/yolo-dataset.ts'

const size = { width: 30, height: 20 }
const png = (channels: 1 | 2 | 3 | 4, depth: 8 | 16 = 8) =>
  Buffer.from(
    encode({
      ...size,
      channels,
      depth,
      data: depth === 8 ? new Uint8Array(600 * channels) : new Uint16Array(600 * channels),
    }),
  )
const gif = (frames: number) =>
  Buffer.concat([
    Buffer.from('GIF89a\x1e\x00\x14\x00\x00\x00\x00', 'latin1'),
    ...Array.from({ length: frames }, () =>
      Buffer.from('!\xf9\x04\x01\x00\x00\x00\x00,\0\0\0\0\x1e\x00\x14\x00\x00\x02\x01\x00\x00', 'latin1'),
    ),
    Buffer.from(';'),
  ])

/** Its header states more bytes than it has. */
const cutWebp = Buffer.from(createWebp({ kind: 'VP8X', ...size, flags: 0 }))
cutWebp.writeUInt32LE(cutWebp.length, 4)

/** A JPEG whose EXIF data holds a whole JPEG. */
const withThumbnail = ({ hasEnd = true, after = '' }: { hasEnd?: boolean; after?: string }) =>
  Buffer.concat([createJpeg({ ...size, exif: createJpeg(size), hasEnd }), Buffer.from(after)])

it.each<[string, Buffer, object]>([
  ['alpha', png(4), { hasAlpha: true }],
  ['grey with alpha', png(2), { hasAlpha: true, isGrey: true }],
  ['transparency of a palette', insertPngChunk(png(3), 'tRNS', Buffer.alloc(6)), { hasAlpha: true }],
  ['alpha in WebP', createWebp({ kind: 'VP8X', ...size, flags: 0x10 }), { hasAlpha: true }],
  ['16 bits', png(3, 16), { bitDepth: 16 }],
  ['16 bits in TIFF', createTiff({ ...size, tags: { 258: 16 } }), { bitDepth: 16 }],
  ['a palette', createTiff({ ...size, tags: { 262: 3, 258: 8 } }), { isPalette: true }],
  ['CMYK', createJpeg({ ...size, channels: 4 }), { isCmyk: true }],
  ['CMYK in TIFF', createTiff({ ...size, tags: { 262: 5 } }), { isCmyk: true }],
  ['one channel', createJpeg({ ...size, channels: 1 }), { isGrey: true }],
  ['frames in GIF', gif(2), { isAnimated: true, isPalette: true, hasAlpha: true }],
  ['one frame in GIF', gif(1), { isAnimated: false, isTruncated: false }],
  ['frames in PNG', insertPngChunk(png(3), 'acTL', Buffer.alloc(8)), { isAnimated: true }],
  ['frames in WebP', createWebp({ kind: 'VP8X', ...size, flags: 0x02 }), { isAnimated: true }],
  ['a JPEG that is cut off', createJpeg({ ...size, hasEnd: false }), { isTruncated: true }],
  ['a JPEG with a thumbnail that is cut off', withThumbnail({ hasEnd: false }), { isTruncated: true }],
  [
    'a JPEG with bytes after its end',
    withThumbnail({ after: 'a film' }),
    { isTruncated: false, hasBytesAfterEnd: true },
  ],
  ['a JPEG that ends as it should', withThumbnail({}), { isTruncated: false, hasBytesAfterEnd: false }],
  ['a PNG with bytes after its end', Buffer.concat([png(3), Buffer.alloc(9)]), { isTruncated: false }],
  ['a GIF without its last byte', gif(1).subarray(0, -1), { isTruncated: false }],
  ['a WebP that is cut off', cutWebp, { isTruncated: true }],
  ['a PNG that is cut off', createPng(30, 20).subarray(0, 50), { isTruncated: true }],
  ['a GIF that is cut off', gif(1).subarray(0, 30), { isTruncated: true }],
])('pitfall 43: %s is recognised by the header', (_what, bytes, expected) => {
  using dir = temporaryFolder()
  writeTree(dir.path, { image: bytes })
  expect(inspectImage(join(dir.path, 'image'), 'image')).toMatchObject({ ...size, ...expected })
})

it('pitfall 43: HEIC that ends before its size is damaged', () => {
  using dir = temporaryFolder()
  writeTree(dir.path, { image: Buffer.from('\0\0\0\x18ftypheic\0\0\0\0', 'latin1') })
  expect(() => inspectImage(join(dir.path, 'image'), 'a.heic')).toThrow('Image "a.heic" is damaged')
})

it('pitfall 43: a damaged image is skipped and counted, one that the loader does not read is counted, and the others are kept', async () => {
  using dir = temporaryFolder()
  writeTree(dir.path, {
    'data.yaml': 'train: images\nval: images\nnames: [cat]\n',
    'images/damaged.png': 'no image',
    'images/good.png': [30, 20],
    'images/small.png': [30, 9],
    'images/anim.gif': gif(2),
  })
  const { reader, records } = await readAll(dir.path)
  expect(records.map(({ path }) => path)).toEqual(['images/good.png', 'images/small.png'])
  expect(reader.losses?.count('image-unreadable')).toBe(1)
  expect(reader.losses?.list().find(({ reason }) => reason === 'image-not-loadable')?.examples).toEqual([
    'images/anim.gif: its suffix',
    'images/small.png: 30 × 9 pixels; expected at least 10 a side',
  ])
})
