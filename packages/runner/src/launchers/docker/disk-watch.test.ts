import { createLogger } from '@trainyard/platform'
import { expect, it } from 'vitest'
import { createDiskWatch } from './disk-watch.ts'

const logger = createLogger({ name: 'test', level: 'silent' })

/** An engine that says these sizes, one after the other; `undefined` is a failure. */
function engine(...sizes: (number | undefined)[]) {
  let looks = 0
  return {
    looks: () => looks,
    df: async () => {
      const Size = sizes[Math.min(looks++, sizes.length - 1)]
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

it('sees in the background, now and then, how large a volume is', async () => {
  const docker = engine(11)
  const watch = createDiskWatch(docker, logger)
  expect(watch.isOver('a', 10)).toBe(false)
  await expect.poll(() => watch.isOver('a', 10)).toBe(true)
  expect(watch.isOver('a', 11)).toBe(false)
  expect(watch.isOver('b', 0)).toBe(false)
  expect(watch.isOver('unknown', 0)).toBe(false)
  expect(docker.looks()).toBe(1)
})

it('looks anew at the end, also when the engine is busy at first', async () => {
  const docker = engine(5, undefined, 15)
  const watch = createDiskWatch(docker, logger)
  await expect.poll(() => watch.isOver('a', 4)).toBe(true)
  expect(await watch.wasOver('a', 10)).toBe(true)
  expect(docker.looks()).toBe(3)
  // It is known.
  expect(await watch.wasOver('a', 10)).toBe(true)
  expect(docker.looks()).toBe(3)
})

it('accuses nobody when the engine does not tell', async () => {
  expect(await createDiskWatch(engine(undefined), logger).wasOver('a', 10)).toBe(false)
})
