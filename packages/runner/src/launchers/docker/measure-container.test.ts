import { expect, it } from 'vitest'
import { useOfStats } from './measure-container.ts'

it('reads the statistics of the engine, without files that can be dropped', () => {
  const stats = (more: object) => ({ cpu_stats: { cpu_usage: { total_usage: 2.5e9 } }, memory_stats: more })
  expect(useOfStats(stats({ usage: 100, stats: { inactive_file: 40 } }))).toEqual({ cpuSeconds: 2.5, memoryBytes: 60 })
  expect(useOfStats(stats({ usage: 100, stats: { total_inactive_file: 30 } }))).toMatchObject({ memoryBytes: 70 })
  // A container that has ended, and another engine's answer.
  expect(useOfStats(stats({}))).toBeUndefined()
  for (const odd of [undefined, null, 'x', { cpu_stats: { cpu_usage: { total_usage: 'much' } } }])
    expect(useOfStats(odd)).toBeUndefined()
})
