/** A trainer that makes the mistakes of tests of the life cycle. `MODE` selects one. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { defineTrainer, runTrainer, type TrainJob } from '../index.ts'

const { MODE = '' } = process.env

async function report30Epochs(job: TrainJob): Promise<void> {
  for (let epoch = 1; epoch <= 30; epoch++) job.progress({ epoch, metrics: { top1_accuracy: epoch / 30 } })
  job.log.error('about to die')
}

const MODES: Readonly<Record<string, (job: TrainJob) => Promise<unknown>>> = {
  async 'not-awaited'(job) {
    const file = join(job.workDir, 'best.bin')
    writeFileSync(file, 'weights')
    void job.checkpoint('best', file)
  },
  async 'not-awaited-missing'(job) {
    void job.checkpoint('best', 'no-such-file.bin')
  },
  async 'awaited-late'(job) {
    const saving = job.checkpoint('best', 'no-such-file.bin')
    await sleep(50)
    await saving.catch((error: Error) => job.log(`caught ${error.name}`))
  },
  async throws(job) {
    await report30Epochs(job)
    setTimeout(() => {
      throw new Error('out of order')
    })
    await new Promise(() => {})
  },
  async 'throws-an-object'() {
    throw Object.assign(Object.create(null), { toString: 1, self: 1n })
  },
  async rejects(job) {
    await report30Epochs(job)
    void Promise.reject(new Error('out of order'))
    await new Promise(() => {})
  },
  async exits(job) {
    await report30Epochs(job)
    process.exit(1)
  },
  async 'kills-itself'(job) {
    await report30Epochs(job)
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => {})
  },
  async forks(job) {
    const child = fork(process.argv[1] ?? '', { stdio: 'inherit' })
    const [code] = await once(child, 'exit')
    job.log(`child exited with ${code}`)
  },
  async 'starts-a-thread'(job) {
    const thread = new Worker(process.argv[1] ?? '', { execArgv: process.execArgv })
    const [code] = await once(thread, 'exit')
    job.log(`child exited with ${code}`)
  },
  async 'runs-twice'(job) {
    job.log(`second run: ${await runTrainer(trainer)}`)
  },
  async infinite(job) {
    job.progress({ epoch: 1, metrics: { loss: Number.POSITIVE_INFINITY } })
  },
  async 'infinite-metric'(job) {
    const metrics = { ratio: Number.POSITIVE_INFINITY, gain: Number.NaN }
    job.progress({ epoch: 1, metrics })
    job.validation({ epoch: 1, metrics })
  },
  async 'returns-text'() {
    return 'done'
  },
}

const trainer = defineTrainer({
  async train(job) {
    // Whatever a mode returns, also what types forbid.
    return (await MODES[MODE]?.(job)) as undefined
  },
})

const code = await runTrainer(trainer)
if (MODE === 'again-afterwards') process.stdout.write(`again: ${await runTrainer(trainer)} after ${code}\n`)
