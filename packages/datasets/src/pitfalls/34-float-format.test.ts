import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LabelBuffer } from '../formats/yolo/label-buffer.ts'
import { temporaryFolder, writeYolo } from '../testing/yolo-dataset.ts'
import { formatNumber } from '../writing/format-number.ts'

const format = (share: number, decimals = 6) => {
  const buffer = new LabelBuffer(decimals)
  buffer.startRow(0)
  buffer.addShare(share)
  return buffer.bytes.toString().slice(2)
}

it.each([
  [0, '0'],
  [-0, '0'],
  [-1e-12, '0'],
  [1, '1'],
  [1 + 1e-9, '1'],
  [1.0000001, '1'],
  [0.1 + 0.2, '0.3'],
  [0.5, '0.5'],
  [1e-7, '0'],
  [0.00005, '0.00005'],
  [0.000001, '0.000001'],
  [0.9999996, '1'],
  [1 / 3, '0.333333'],
  [0.100001, '0.100001'],
  [Math.fround(0.7), '0.7'],
])('pitfall 34: %d is written as %s', (share, text) => {
  expect(format(share)).toBe(text)
})

it('pitfall 34: every share has fixed digits, no exponent and no trailing zeros, and is the nearest such number', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 9 }), (share, decimals) => {
      const text = format(share, decimals)
      expect(text).toMatch(/^(0|1|0\.\d*[1-9])$/)
      expect(Math.abs(Number(text) - share)).toBeLessThanOrEqual(0.5000001 * 10 ** -decimals)
      expect(Math.abs(Number(formatNumber(share, decimals)) - Number(text))).toBeLessThanOrEqual(
        1.0000001 * 10 ** -decimals,
      )
    }),
  )
})

it('pitfall 34: in an image 8,192 pixels wide a box changes by less than a hundredth of a pixel', async () => {
  using dir = temporaryFolder()
  const bbox: [number, number, number, number] = [4097.13, 11.37, 0.77, 3.91]
  const written = await writeYolo(dir.path, 'detection', [
    { width: 8192, height: 16, annotations: [{ kind: 'box', classId: 0, bbox }] },
  ])
  const { records } = await written.read()
  for (const [index, value] of bbox.entries()) {
    expect(Math.abs((records[0]?.annotations[0]?.bbox?.[index] ?? 0) - value)).toBeLessThan(0.01)
  }
})
