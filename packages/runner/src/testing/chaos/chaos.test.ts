import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runChaos } from './run-chaos.ts'
import { subprocessChaos } from './victims.ts'

describe.skipIf(!existsSync('/proc/self/environ'))('kills at random of runners, trainers and the database', () => {
  it('lose nothing, run nothing twice and leave nothing behind', async () => {
    const report = await runChaos({ seed: 7, kills: 6, underWay: 4, launcher: subprocessChaos('none') })
    expect(report.wrong, `seed ${report.seed}`).toEqual([])
    expect(report.events).toBeGreaterThan(100)
  }, 300_000)
})
