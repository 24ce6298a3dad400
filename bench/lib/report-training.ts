/**
 * A training loop that reports, beside the same loop that does not: `report-training.ts CALLBACK_URL|none WORK_DIR`.
 * Each line of output is the CPU milliseconds of two stretches of steps, the silent one and the one that reports: of all threads,
 * and without what neighbours take.
 */
import { mkdtempSync } from 'node:fs'
import { createPlatformBackend } from '../../packages/sdk/src/lifecycle/platform-backend.ts'

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

const STEPS = 20
let step = 0
async function stretch(isReporting: boolean): Promise<number> {
  const before = process.cpuUsage()
  for (let count = 0; count < STEPS; count++) {
    const loss = trainStep()
    step++
    if (isReporting) backend.append({ type: 'progress', epoch: 1, step, metrics: { loss, lr: 0.01 } })
    // Where an asynchronous trainer lets others run, and the journal its batches leave.
    if (count % 10 === 9) await new Promise((resolve) => setImmediate(resolve))
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

await stretch(false)
for (let count = 0; count < Number(stretches); count++) {
  // In turns, so that what comes second is not always the same.
  const isReportingFirst = count % 2 === 1
  const first = await stretch(isReportingFirst)
  const second = await stretch(!isReportingFirst)
  console.log(isReportingFirst ? `${second} ${first}` : `${first} ${second}`)
}
await backend.close({ timeoutMs: 1 })

const APPENDS = 2000
console.log(`append ${await appendMany()}`)

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
