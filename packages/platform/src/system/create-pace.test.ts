import { expect, it } from 'vitest'
import { createPace } from './create-pace.ts'

it('lets a burst pass at once, and further callers at the rate, in order', async () => {
  let now = 1000
  const waits: number[] = []
  const pace = createPace({
    perSecond: 100,
    burst: 3,
    nowMs: () => now,
    sleep: async (milliseconds) => void waits.push(milliseconds),
  })
  for (let count = 0; count < 6; count++) await pace()
  expect(waits).toEqual([10, 20, 30])
  now += 30
  await pace()
  expect(waits).toEqual([10, 20, 30, 10])
  now += 60_000
  for (let count = 0; count < 3; count++) await pace()
  expect(waits).toHaveLength(4)
})
