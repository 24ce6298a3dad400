import { expect, it, vi } from 'vitest'
import { bench } from './convert.bench.ts'

// Without the peers: to import what they stand on takes longer than the whole of this.
vi.hoisted(() => {
  process.env.TRAINYARD_PEERS_PYTHON = '/nowhere/python'
})

it('the convert bench runs at a small size', async () => {
  const rows = await bench({ small: true })
  const works = new Set(rows.map(({ what }) => what.split(':')[0]))
  expect([...works]).toEqual([
    'COCO like train2017 → boxes',
    'COCO like train2017 → segments',
    'COCO like LVIS → segments',
    'nested DICE of 100,000 images → segments',
  ])
  for (const { ours } of rows) expect(ours).toBeGreaterThan(0)
}, 120_000)
