import { createLogger } from '@trainyard/platform'
import { expect, it } from 'vitest'
import { createDiskWatch } from './disk-watch.ts'

const logger = createLogger({ name: 'test', level: 'silent' })

/** An engine that reports these sizes, one after the other. `undefined`: the measurement fails. */
function engine(...sizes: (number | undefined)[]) {
  let measurements = 0
  return {
    measurements: () => measurements,
    df: async () => {
      const Size = sizes[Math.min(measurements++, sizes.length - 1)]
      if (Size === undefined) throw new Error('a disk usage operation is already running')
      return {
        Volumes: [
          { Name: 'a', UsageData: { Size } },
          { Name: 'b', UsageData: null },
        ],
      }
    },
  }
}

it('measures volumes in the background', async () => {
  const docker = engine(11)
  const watch = createDiskWatch(docker, logger)
  expect(watch.isOver('a', 10)).toBe(false)
  await expect.poll(() => watch.isOver('a', 10)).toBe(true)
  expect(watch.isOver('a', 11)).toBe(false)
  expect(watch.isOver('b', 0)).toBe(false)
  expect(watch.isOver('unknown', 0)).toBe(false)
  expect(docker.measurements()).toBe(1)
})

it('measures again after the end, even if the engine is busy at first', async () => {
  const docker = engine(5, undefined, 15)
  const watch = createDiskWatch(docker, logger)
  await expect.poll(() => watch.isOver('a', 4)).toBe(true)
  expect(await watch.wasOver('a', 10)).toBe(true)
  expect(docker.measurements()).toBe(3)
  // No further measurement is needed.
  expect(await watch.wasOver('a', 10)).toBe(true)
  expect(docker.measurements()).toBe(3)
})

it('reports no volume as too large when the engine cannot measure them', async () => {
  expect(await createDiskWatch(engine(undefined), logger).wasOver('a', 10)).toBe(false)
})
