import { describe, expect, it } from 'vitest'
import { bench } from './fetch.bench.ts'

const hasStore = Boolean(process.env.S3_ENDPOINT)
if (!hasStore)
  console.warn(
    'Skipped: the fetch bench at a small size. Start an S3 server and set S3_ENDPOINT and the other S3 variables.',
  )

describe.skipIf(!hasStore)(
  hasStore ? 'the fetch bench' : 'the fetch bench (skipped: needs S3_ENDPOINT and the other S3 variables)',
  () => {
    it('runs at a small size, over a server with faults too', { timeout: 300_000 }, async () => {
      const rows = await bench({ small: true })
      const works = new Set(rows.map(({ what }) => what.split(':')[0]))
      expect([...works]).toEqual(['200 files of 5-200 kB', 'one file of 8 MB', '21 files from a faulty server'])
      for (const { ours } of rows) expect(ours).toBeGreaterThan(0)
    })
  },
)
