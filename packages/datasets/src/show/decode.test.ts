import { expect, test } from 'vitest'
import { decodeBmp } from './decode-bmp.ts'
import { decodeGif } from './decode-gif.ts'

/** 10 × 10 in four colours, from the specification's own example. */
const GIF = Buffer.from(
  '4749463839610a000a00910000ffffffff00000000ff00000021f90400000000002c000000000a000a0000021' +
    '68c2d99872a1cdc33a00275ec95faa8de608c0491 4c0100 3b'.replaceAll(' ', ''),
  'hex',
)
const ROWS = [
  '1111122222',
  '1111122222',
  '1111122222',
  '1110000222',
  '1110000222',
  '2220000111',
  '2220000111',
  '2222211111',
  '2222211111',
  '2222211111',
]

test('GIF: the first frame, code by code', () => {
  const { width, height, data } = decodeGif(GIF, 'a.gif')
  expect([width, height]).toEqual([10, 10])
  const rows = Array.from({ length: 10 }, (_, y) =>
    Array.from(
      { length: 10 },
      (_, x) =>
        ({ '255,255,255': 0, '255,0,0': 1, '0,0,255': 2 })[
          data.subarray((y * 10 + x) * 3, (y * 10 + x) * 3 + 3).join()
        ],
    ).join(''),
  )
  expect(rows).toEqual(ROWS)
})

test('GIF: every cut is an error, never an endless loop', () => {
  for (let end = 0; end < GIF.length - 2; end++)
    expect(() => decodeGif(GIF.subarray(0, end), 'a.gif'), `${end}`).toThrow('"a.gif" is damaged')
})

function bmp(bits: number, height: number, rows: number[][], palette: number[] = [], compression = 0): Buffer {
  const head = Buffer.alloc(54)
  head.write('BM')
  head.writeUInt32LE(54 + palette.length, 10)
  head.writeUInt32LE(40, 14)
  head.writeInt32LE(2, 18)
  head.writeInt32LE(height, 22)
  head.writeUInt16LE(bits, 28)
  head.writeUInt32LE(compression, 30)
  return Buffer.concat([head, Buffer.from(palette), Buffer.from(rows.flat())])
}

const wanted = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
const colours = [3, 2, 1, 0, 6, 5, 4, 0, 9, 8, 7, 0, 12, 11, 10, 0]

test.each([
  [
    '24 bits, bottom row first',
    bmp(24, 2, [
      [9, 8, 7, 12, 11, 10, 0, 0],
      [3, 2, 1, 6, 5, 4, 0, 0],
    ]),
  ],
  ['32 bits, top row first', bmp(32, -2, [colours])],
  [
    '8 bits',
    bmp(
      8,
      2,
      [
        [2, 3, 0, 0],
        [0, 1, 0, 0],
      ],
      colours,
    ),
  ],
  [
    '4 bits',
    bmp(
      4,
      2,
      [
        [0x23, 0, 0, 0],
        [0x01, 0, 0, 0],
      ],
      colours,
    ),
  ],
])('BMP of %s', (_, bytes) => {
  expect([...(decodeBmp(bytes, 'a.bmp')?.data ?? [])]).toEqual(wanted)
  expect(() => decodeBmp(bytes.subarray(0, -1), 'a.bmp')).toThrow('"a.bmp" is damaged')
})

test('BMP with compression is not decoded', () => {
  expect(decodeBmp(bmp(8, 2, [[0]], colours, 1), 'a.bmp')).toBeUndefined()
})
