import { expect, it } from 'vitest'
import { bench } from './orchestrators.bench.ts'

it('the bench of orchestrators runs at a small size', async () => {
  const rows = await bench({ small: true })
  expect(rows.map(({ ours }) => ours).every((value) => value > 0)).toBe(true)
}, 120_000)
