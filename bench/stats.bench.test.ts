import { expect, it, vi } from 'vitest'
import { bench } from './stats.bench.ts'

// Without the peers: to import what they stand on takes longer than the whole of this.
vi.hoisted(() => {
  process.env.TRAINYARD_PEERS_PYTHON = '/nowhere/python'
})

it('the stats bench runs at a small size', async () => {
  const rows = await bench({ small: true })
  expect(rows.map(({ unit }) => unit)).toEqual(['s', 's', 'MB'])
  for (const { ours } of rows) expect(ours).toBeGreaterThan(0)
}, 120_000)
