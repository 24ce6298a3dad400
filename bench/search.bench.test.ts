import { expect, it } from 'vitest'
import { bench } from './search.bench.ts'

it('the search bench runs at a small size', async () => {
  const rows = await bench({ small: true })
  expect(rows[0]?.what).toBe('3,000 trainers, all queries: p95')
  for (const { ours } of rows.slice(0, -1)) expect(ours).toBeGreaterThan(0)
}, 120_000)
