import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runChaos } from './run-chaos.ts'
import { subprocessChaos } from './subprocess.ts'

describe.skipIf(!existsSync('/proc/self/environ'))('random kills of runners, trainers and the database', () => {
  it('lose nothing, run no attempt twice and leave nothing behind', async () => {
    const report = await runChaos({ seed: 7, kills: 6, concurrency: 4, launcher: subprocessChaos('none') })
    expect(report.problems, `seed ${report.seed}`).toEqual([])
    expect(report.events).toBeGreaterThan(100)
  }, 300_000)

  it('do not delay a cancel in a backlog, whatever the job is doing', async () => {
    const launcher = subprocessChaos('none')
    const report = await runChaos({ seed: 8, kills: 6, concurrency: 16, backlogFiles: 300, launcher })
    expect(report.problems, `seed ${report.seed}`).toEqual([])
    expect(report.jobs.cancel?.cancelled).toBeGreaterThan(3)
  }, 300_000)
})
