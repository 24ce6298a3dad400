import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runChaos } from './run-chaos.ts'
import { subprocessChaos } from './subprocess.ts'

describe.skipIf(!existsSync('/proc/self/environ'))('random kills of runners, trainers and the database', () => {
  it('lose nothing, run no attempt twice, leave nothing behind and do not delay a cancel in a backlog', async () => {
    const launcher = subprocessChaos('none')
    const report = await runChaos({ seed: 8, kills: 6, concurrency: 16, backlogFiles: 200, launcher })
    expect(report.problems, `seed ${report.seed}`).toEqual([])
    expect(report.events).toBeGreaterThan(100)
    expect(report.jobs.cancel?.cancelled).toBeGreaterThan(3)
  }, 300_000)
})
