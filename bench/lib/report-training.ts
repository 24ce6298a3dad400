/**
 * What reporting every step of a fast loop costs, in processor time of all threads: `report-training.ts CALLBACK_URL WORK_DIR
 * ROUNDS`. A loop that only waits as long as a step takes is run with and without reporting in turns: their difference is the
 * reporting alone, sender and retries included, and not a small difference of two large figures that neighbours disturb.
 * Prints `{ stepMs, reportMs, appendUs }`: a step's own processor time, what reporting it adds, and one call beside others.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuMsSince, inTurns, openBenchJob } from './open-bench-job.ts'
import { median } from './report.ts'

const [, , callbackUrl = '', workDir = '', rounds = '5'] = process.argv

/** About two milliseconds of arithmetic: the step of a very small model. */
const weights = new Float64Array(100_000).fill(0.5)
function trainStep(): number {
  let loss = 0
  for (let round = 0; round < 20; round++)
    for (let index = 0; index < weights.length; index++) loss += (weights[index] ?? 0) * 1e-9
  return loss
}

const STEP_MS = 2
const STEPS = 1000

const steps: number[] = []
for (let count = 0; count < 200; count++) {
  const before = process.cpuUsage()
  trainStep()
  steps.push(cpuMsSince(before))
}

// A round more than is counted: in the first one everything is compiled.
const { silent, reporting } = await inTurns(Number(rounds) + 1, callbackUrl, workDir, async (job) => {
  for (let step = 1; step <= STEPS; step++) {
    job?.progress({ epoch: 1, step, metrics: { loss: 0.5 / step, lr: 0.01 } })
    await sleep(STEP_MS)
  }
})
const reportMs = (median(reporting.slice(1)) - median(silent.slice(1))) / STEPS
console.log(JSON.stringify({ stepMs: median(steps), reportMs, appendUs: await appendMany() }))

/** Processor time of one call without the loop around it, in microseconds; the fastest of some rounds. */
async function appendMany(): Promise<number> {
  const CALLS = 2000
  const job = await openBenchJob(callbackUrl, workDir)
  const costs: number[] = []
  for (let round = 0; round < 10; round++) {
    const before = process.cpuUsage()
    for (let step = 0; step < CALLS; step++) job.progress({ epoch: 1, step, metrics: { loss: 0.5, lr: 0.01 } })
    costs.push((cpuMsSince(before) / CALLS) * 1000)
    await sleep(5)
  }
  await job.close({ timeoutMs: 1 })
  return Math.min(...costs)
}
