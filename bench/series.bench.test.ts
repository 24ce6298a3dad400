import { expect, it } from 'vitest'
import { bench } from './series.bench.ts'

it('the series bench runs at a small size', async () => {
  const rows = await bench({ small: true })
  expect(rows[0]?.what).toBe('a series of 60,000 points at 2,500')
  for (const { ours } of rows.slice(0, 4)) expect(ours).toBeGreaterThan(0)
}, 120_000)
