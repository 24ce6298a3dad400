import { expect, test } from 'vitest'
import { countBusyThreads } from './count-busy-threads.ts'

const thread = (ranMs: number, { state = 'R', ageMs = 4000 } = {}) => ({ state, ranMs, waitedMs: 0, ageMs })

test('threads that compute are counted, and those that sleep are not', () => {
  expect(countBusyThreads([thread(3900), ...Array.from({ length: 5 }, () => thread(3000)), thread(0)])).toBe(6)
  expect(countBusyThreads([thread(3900), thread(3900, { state: 'S' })])).toBe(1)
})

test('on a busy machine, helpers that wait for a processor are no busy threads, and those that compute are', () => {
  const helpers = Array.from({ length: 8 }, () => thread(12))
  expect(countBusyThreads([thread(320), ...helpers])).toBe(1)
  expect(countBusyThreads([...Array.from({ length: 6 }, () => thread(290)), ...helpers])).toBe(6)
})

test('a thread that has begun late is compared by its share of its own life', () => {
  expect(countBusyThreads([thread(40_000, { ageMs: 60_000 }), thread(900, { ageMs: 1500 })])).toBe(2)
})

test('where the kernel does not say how long threads run, all that can run are counted', () => {
  expect(countBusyThreads([thread(0), thread(0), thread(0, { state: 'S' })])).toBe(2)
})
