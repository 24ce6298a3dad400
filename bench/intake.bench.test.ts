import { expect, it } from 'vitest'
import { bench } from './intake.bench.ts'

it('the intake bench runs at a small size, without its peer', async () => {
  const rows = await bench({ small: true })
  expect(rows.map(({ what }) => what).slice(0, 2)).toEqual(['batches of 1, 1 job', 'batches of 1, 1 job: p99'])
  for (const { ours } of rows.slice(0, 4)) expect(ours).toBeGreaterThan(0)
}, 120_000)
