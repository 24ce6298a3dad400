import { expect, test } from 'vitest'
import { formatBar, formatBytes, formatDuration } from './format.ts'

test.each([
  [0, '0 B'],
  [512, '512 B'],
  [999, '999 B'],
  [1500, '1.5 kB'],
  [3400, '3.4 kB'],
  [12_000_000, '12.0 MB'],
  [99_960, '100 kB'],
  [999_600, '1.0 MB'],
  [229_000_000, '229 MB'],
  [100_000_000_000, '100 GB'],
  [5e18, '5000 PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.each([
  [-5, '0 s'],
  [0, '0 s'],
  [41, '41 ms'],
  [850, '850 ms'],
  [999.6, '1 s'],
  [3000, '3 s'],
  [3400, '3.4 s'],
  [9960, '10 s'],
  [59_900, '59 s'],
  [125_000, '2 min 5 s'],
  [3_725_000, '1 h 2 min'],
  [90_000_000, '1 d 1 h'],
])('%d ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test('a progress bar stays within its width', () => {
  expect([0.5, -1, 7].map((fraction) => formatBar(fraction, 4))).toEqual(['██░░', '░░░░', '████'])
})
