import { expect, it } from 'vitest'
import { bench } from './live.bench.ts'

it('the live bench runs at a small size, and no message is missing', async () => {
  const rows = await bench({ small: true })
  expect(rows.find(({ what }) => what.startsWith('messages that arrived'))?.ours).toBeGreaterThan(0.97)
  expect(rows[0]?.ours).toBeGreaterThan(0)
  const inChromium = rows.find(({ what }) => what === 'messages in Chromium')
  if (inChromium !== undefined) expect(inChromium.ours).toBeGreaterThan(3)
}, 120_000)
