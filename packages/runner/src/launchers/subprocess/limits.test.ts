import { expect, it } from 'vitest'
import { limitsOf, shimLimits } from './limits.ts'

const operator = { memoryMb: 4096, processes: 500, diskGb: 10, shmMb: 1024 }

it('a manifest can ask for less than the operator’s limits, and not for more', () => {
  expect(limitsOf({ memoryMb: 1024, diskGb: 1, shmMb: 64 }, operator)).toEqual({
    memoryMb: 1024,
    processes: 500,
    diskBytes: 1024 ** 3,
    shmBytes: 64 * 1024 ** 2,
  })
  const most = { memoryMb: 4096, processes: 500, diskBytes: 10 * 1024 ** 3, shmBytes: 1024 ** 3 }
  expect(limitsOf({ memoryMb: 99_999, diskGb: 9999, shmMb: 9999 }, operator)).toEqual(most)
  expect(limitsOf({}, operator)).toEqual(most)
})

it('limits the data of each process where no control group limits memory', () => {
  expect(shimLimits(limitsOf({}, operator), true)).toEqual([String((10 * 1024 ** 3) / 512), '500', '0'])
  expect(shimLimits(limitsOf({}, operator), false)[2]).toBe(String(4096 * 1024))
  // Node does not start with less.
  expect(shimLimits(limitsOf({ memoryMb: 128 }, operator), false)[2]).toBe(String(2048 * 1024))
})
