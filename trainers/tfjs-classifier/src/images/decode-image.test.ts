import { DatasetError } from '@trainyard/sdk'
import { encode } from 'fast-png'
import { expect, test } from 'vitest'
import { decodeImage } from './decode-image.ts'

const grey = encode({ width: 3, height: 2, channels: 1, depth: 8, data: new Uint8Array([0, 50, 100, 150, 200, 250]) })

test('reads grey, colour and deep pictures as bytes', () => {
  expect(decodeImage(grey, 'a.png')).toMatchObject({ width: 3, height: 2, channels: 1 })
  expect([...decodeImage(grey, 'a.png').data]).toEqual([0, 50, 100, 150, 200, 250])

  const colour = encode({ width: 1, height: 1, channels: 4, depth: 8, data: new Uint8Array([1, 2, 3, 4]) })
  expect(decodeImage(colour, 'a.png')).toEqual({ width: 1, height: 1, channels: 4, data: new Uint8Array([1, 2, 3, 4]) })

  const deep = encode({ width: 2, height: 1, channels: 1, depth: 16, data: new Uint16Array([0xffff, 0x1234]) })
  expect([...decodeImage(deep, 'a.png').data]).toEqual([0xff, 0x12])
})

test('reads one-bit pictures whose rows end within a byte, and pictures with a palette', () => {
  // 10×2 pixels of one bit, and 3×1 pixels of a three-colour palette; made with another tool.
  const oneBit = Buffer.from(ONE_BIT, 'base64')
  expect([...decodeImage(oneBit, 'bits.png').data]).toEqual([
    255, 0, 255, 0, 255, 0, 255, 0, 255, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 0,
  ])
  const palette = decodeImage(Buffer.from(PALETTE, 'base64'), 'palette.png')
  expect(palette).toMatchObject({ width: 3, height: 1, channels: 3 })
  expect([...palette.data]).toEqual([255, 0, 0, 0, 255, 0, 0, 0, 255])
})

test.each([
  ['cut short', grey.subarray(0, grey.length - 20), /digit\.png is a corrupt PNG/],
  [
    'damaged',
    Uint8Array.from(grey, (byte, index) => (index === 45 ? byte ^ 0xff : byte)),
    /digit\.png is a corrupt PNG/,
  ],
  ['a JPEG', new Uint8Array([0xff, 0xd8, 0xff, 0xe0]), /digit\.png is a JPEG; this trainer reads PNG only/],
  ['empty', new Uint8Array(), /digit\.png is empty/],
])('refuses a file that is %s and names it', (_, bytes, message) => {
  const read = () => decodeImage(bytes, 'digit.png')
  expect(read).toThrow(DatasetError)
  expect(read).toThrow(message)
})

const ONE_BIT = 'iVBORw0KGgoAAAANSUhEUgAAAAoAAAACAQAAAABJGnB9AAAADklEQVR4nGNYdYAhlAEABwIBwMpmpOoAAAAASUVORK5CYII='
const PALETTE =
  'iVBORw0KGgoAAAANSUhEUgAAAAMAAAABCAMAAAAsPuSGAAAACVBMVEX/AAAA/wAAAP8tSs2KAAAADElEQVR4nGNgYGQCAAAIAAQ24LCmAAAAAElFTkSuQmCC'
