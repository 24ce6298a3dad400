import { expect, test } from 'vitest'
import { pictureTypeOf } from './picture-type.ts'

const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(
    parts.flatMap((part) => (typeof part === 'string' ? [...part].map((char) => char.charCodeAt(0)) : part)),
  )
const zeros = (count: number) => new Array<number>(count).fill(0)
const png = (width: number[], height: number[]) =>
  bytes([0x89], 'PNG\r\n', [0x1a], '\n', [0, 0, 0, 13], 'IHDR', width, height, [8, 6, 0, 0, 0])

test.each([
  ['PNG', png([0, 0, 1, 0], [0, 0, 0, 2]), { contentType: 'image/png', width: 256, height: 2 }],
  ['GIF', bytes('GIF89a', [3, 0, 4, 0]), { contentType: 'image/gif', width: 3, height: 4 }],
  [
    'WebP with an extended header',
    bytes('RIFF', zeros(4), 'WEBPVP8X', zeros(8), [9, 0, 0, 19, 0, 0]),
    { contentType: 'image/webp', width: 10, height: 20 },
  ],
  [
    'lossy WebP',
    bytes('RIFF', zeros(4), 'WEBPVP8 ', zeros(10), [9, 0, 19, 0]),
    { contentType: 'image/webp', width: 9, height: 19 },
  ],
  [
    'lossless WebP',
    bytes('RIFF', zeros(4), 'WEBPVP8L', zeros(4), [0x2f], [9, 0xc0, 4, 0], zeros(6)),
    { contentType: 'image/webp', width: 10, height: 20 },
  ],
  [
    'JPEG with a segment before the frame',
    bytes([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc2, 0, 17, 8, 0, 20, 0, 10, 3]),
    { contentType: 'image/jpeg', width: 10, height: 20 },
  ],
])('%s is known by its bytes, with its size', (_what, content, expected) => {
  expect(pictureTypeOf(content)).toEqual(expected)
})

test.each([
  ['SVG', bytes('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')],
  ['HTML', bytes('<!doctype html><script>alert(1)</script>')],
  ['HTML after the letters of a GIF', bytes('GIF8<script>alert(1)</script>')],
  ['an empty file', bytes()],
  ['a PNG that ends in its header', bytes([0x89], 'PNG\r\n', [0x1a], '\n', [0, 0, 0, 13], 'IHDR')],
  ['a PNG of 20,000 × 20,000', png([0, 0, 0x4e, 0x20], [0, 0, 0x4e, 0x20])],
  ['a PNG without pixels', png([0, 0, 0, 0], [0, 0, 0, 1])],
  ['a JPEG without a frame', bytes([0xff, 0xd8, 0xff, 0xe0, 0, 2, 0xff, 0xe0, 0, 2], zeros(20))],
  ['a JPEG with an endless segment', bytes([0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff], zeros(20))],
])('%s is not shown', (_what, content) => {
  expect(pictureTypeOf(content)).toBeUndefined()
})
