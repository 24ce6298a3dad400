import { expect, test } from 'vitest'
import { formatMetric, formatRelative } from './format.ts'

const now = new Date('2026-11-20T12:00:00Z')

test.each([
  ['2026-11-20T11:59:58Z', 'just now'],
  ['2026-11-20T11:59:30Z', '30 seconds ago'],
  ['2026-11-20T11:57:00Z', '3 minutes ago'],
  ['2026-11-20T14:00:00Z', 'in 2 hours'],
  ['2026-11-19T11:00:00Z', 'yesterday'],
  ['2024-11-19T11:00:00Z', '2 years ago'],
  ['2026-11-20T11:00:20Z', '1 hour ago'],
  ['2026-11-18T14:00:00Z', '2 days ago'],
  ['2026-11-11T12:00:00Z', '9 days ago'],
  ['2026-12-30T12:00:00Z', 'in 6 weeks'],
  ['2027-02-18T12:00:00Z', 'in 3 months'],
  ['2025-10-16T12:00:00Z', '13 months ago'],
  ['2023-05-01T12:00:00Z', '4 years ago'],
])('%s is %s', (instant, text) => {
  expect(formatRelative(instant, now)).toBe(text)
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
