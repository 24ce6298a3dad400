import { Worker } from 'node:worker_threads'
import { createGate, ownExecArgv, programBeside } from '@trainyard/platform'
import type { SettingsOrder, SettingsOutcome } from './settings-messages.ts'

/** An honest schema takes milliseconds. Includes the start of the thread, on a busy machine. */
const TIMEOUT_MS = 5000
const MAX_HEAP_MB = 256

/** One at a time: a hostile schema makes other submissions wait, for a limited time, and nothing else. */
const gate = createGate(1)
let idle: Worker | undefined

/** Checks settings against a schema, off the event loop. `ended`: it took too long or too much memory. */
export function checkSettings(order: SettingsOrder): Promise<SettingsOutcome | { type: 'ended' }> {
  return gate(async () => {
    const worker = idle ?? start()
    idle = undefined
    // While it works, it keeps the process alive.
    worker.ref()
    const outcome = await ask(worker, order)
    if (outcome.type === 'ended') await worker.terminate()
    else {
      worker.unref()
      idle = worker
    }
    return outcome
  })
}

function start(): Worker {
  const program = programBeside(import.meta.url, 'settings-program')
  const worker = new Worker(program, {
    execArgv: ownExecArgv(program),
    // It needs no variable, and a stranger's schema runs there.
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  worker.on('error', () => {
    if (idle === worker) idle = undefined
  })
  return worker
}

function ask(worker: Worker, order: SettingsOrder): Promise<SettingsOutcome | { type: 'ended' }> {
  return new Promise((resolve) => {
    const finish = (outcome: SettingsOutcome | { type: 'ended' }) => {
      clearTimeout(timer)
      worker.off('message', finish)
      worker.off('error', end)
      worker.off('exit', end)
      resolve(outcome)
    }
    const end = () => finish({ type: 'ended' })
    const timer = setTimeout(end, TIMEOUT_MS)
    worker.on('message', finish)
    worker.on('error', end)
    worker.on('exit', end)
    worker.postMessage(order)
  })
}
