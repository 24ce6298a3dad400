import { expect, it } from 'vitest'
import { bench } from './start.bench.ts'

it('the start bench runs at a small size, with or without an engine', async () => {
  const rows = await bench({ small: true })
  expect(rows[0]?.what).toBe('submit → first event, subprocess')
  for (const { ours, peer } of rows) {
    expect(ours).toBeGreaterThan(0)
    expect(peer?.value).toBeGreaterThan(0)
  }
}, 120_000)
