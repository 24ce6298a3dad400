import { expect, test } from 'vitest'
import { formatBytes, formatDuration, formatMetric, formatRelative } from './format.ts'

const now = new Date('2026-11-20T12:00:00Z')

test.each([
  ['2026-11-20T11:59:58Z', 'just now'],
  ['2026-11-20T11:59:30Z', '30 seconds ago'],
  ['2026-11-20T11:57:00Z', '3 minutes ago'],
  ['2026-11-20T14:00:00Z', 'in 2 hours'],
  ['2026-11-19T11:00:00Z', 'yesterday'],
  ['2024-11-19T11:00:00Z', '2 years ago'],
])('%s is %s', (instant, text) => {
  expect(formatRelative(instant, now)).toBe(text)
})

test.each([
  [0, '0 s'],
  [41, '41 ms'],
  [59_900, '59 s'],
  [3_725_000, '1 h 2 min'],
  [90_000_000, '1 d 1 h'],
])('%d ms last %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test.each([
  [999, '999 B'],
  [1_500, '1.5 kB'],
  [229_000_000, '229 MB'],
  [100_000_000_000, '100 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.each([
  [0.873_123, '0.8731'],
  [0.000_012, '1.20e-5'],
  [0, '0'],
  ['NaN', 'NaN'],
  [null, '–'],
] as const)('a metric of %s is written %s', (value, text) => {
  expect(formatMetric(value)).toBe(text)
})
