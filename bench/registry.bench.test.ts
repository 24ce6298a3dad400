import { expect, it } from 'vitest'
import { bench } from './registry.bench.ts'

it('the registry bench runs at a small size, without its peer', async () => {
  const rows = await bench({ small: true })
  expect(rows.map(({ what }) => what).filter((what) => !/CPU|p99|memory|load/.test(what))).toEqual([
    'push, 1 MB',
    'push in a chunk, 1 MB',
    'pull, 1 MB',
    'three pulls, one push, 1 MB',
  ])
  for (const { ours } of rows.filter(({ unit }) => unit === 'images/s')) expect(ours).toBeGreaterThan(0)
}, 120_000)
