/**
 * What reporting adds to a training loop, in CPU time of all threads: `report-training.ts CALLBACK_URL WORK_DIR STRETCHES`.
 * A loop that only waits as long as a step takes is run with and without reporting in turns: their difference is the
 * reporting alone, sender and retries included, and not a small difference of two large figures that neighbours disturb.
 * Prints `{ stepMs, reportMs, appendUs }`: a step's own CPU, what reporting it adds, and one append.
 */

import { mkdtempSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPlatformBackend } from '../../packages/sdk/src/lifecycle/platform-backend.ts'
import { median } from './report.ts'

const [, , callbackUrl = '', workDir = '', stretches = '20'] = process.argv
const backend = await createPlatformBackend({
  callbackUrl,
  token: 'bench',
  attempt: 1,
  workDir,
  onStop: () => {},
  onWarning: () => {},
})

/** About two milliseconds of arithmetic: the step of a small model. */
const weights = new Float64Array(100_000).fill(0.5)
function trainStep(): number {
  let loss = 0
  for (let round = 0; round < 20; round++)
    for (let index = 0; index < weights.length; index++) loss += (weights[index] ?? 0) * 1e-9
  return loss
}

const STEP_MS = 2
const STEPS = 250
let step = 0

const cpuMs = (before: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

async function pace(isReporting: boolean): Promise<number> {
  const before = process.cpuUsage()
  for (let count = 0; count < STEPS; count++) {
    step++
    if (isReporting) backend.append({ type: 'progress', epoch: 1, step, metrics: { loss: 0.5, lr: 0.01 } })
    await sleep(STEP_MS)
  }
  // What was reported has left before others are measured; where nobody answers, what a second of trying costs.
  if (isReporting) await backend.flush({ timeoutMs: 1000 })
  else await sleep(20)
  return cpuMs(before)
}

const steps: number[] = []
for (let count = 0; count < 200; count++) {
  const before = process.cpuUsage()
  trainStep()
  steps.push(cpuMs(before))
}
await pace(true)
await pace(false)
const silent: number[] = []
const reporting: number[] = []
for (let count = 0; count < Number(stretches); count++) {
  // In turns, so that what comes second is not always the same.
  for (const isReporting of count % 2 === 0 ? [false, true] : [true, false]) {
    const spent = await pace(isReporting)
    ;(isReporting ? reporting : silent).push(spent)
  }
}
await backend.close({ timeoutMs: 1 })
const stepMs = median(steps)
const reportMs = (median(reporting) - median(silent)) / STEPS

const APPENDS = 2000
console.log(JSON.stringify({ stepMs, reportMs, appendUs: await appendMany() }))

/** Microseconds of one append, without the loop around it; the fastest of some rounds. */
async function appendMany(): Promise<number> {
  const fresh = await createPlatformBackend({
    callbackUrl,
    token: 'bench',
    attempt: 1,
    workDir: mkdtempSync(`${workDir}/append-`),
    onStop: () => {},
    onWarning: () => {},
  })
  const costs: number[] = []
  for (let round = 0; round < 10; round++) {
    const begun = performance.now()
    for (let index = 0; index < APPENDS; index++)
      fresh.append({ type: 'progress', epoch: 1, step: index, metrics: { loss: 0.5, lr: 0.01 } })
    costs.push(((performance.now() - begun) / APPENDS) * 1000)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await fresh.close({ timeoutMs: 1 })
  return Math.min(...costs)
}
