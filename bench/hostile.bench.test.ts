import { expect, it } from 'vitest'
import { bench } from './hostile.bench.ts'

it('the bench of hostile bodies runs at a small size, and none of them is an error of the server', async () => {
  const rows = await bench({ small: true })
  expect(rows.find(({ what }) => what === '/healthz: p99')?.ours).toBeGreaterThan(0)
  expect(rows.find(({ what }) => what === 'answers with 5xx')?.ours).toBe(0)
}, 120_000)
