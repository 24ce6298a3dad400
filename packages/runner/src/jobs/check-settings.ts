import { Worker } from 'node:worker_threads'
import { createGate, ownExecArgv, programBeside } from '@trainyard/platform'
import type { SettingsOrder, SettingsOutcome } from './settings-messages.ts'

/** An honest schema takes milliseconds. The start of a thread takes some hundreds. */
const CPU_LIMIT_MS = 5000
/** A caller waits no longer, even if the thread gets no processor. */
const PATIENCE_MS = 30_000
const LOOK_EVERY_MS = 200
const MAX_HEAP_MB = 256

export type CheckedSettings =
  | SettingsOutcome
  /** The schema took too much CPU time or memory. It would do so again. */
  | { type: 'ended' }
  /** The machine gave the thread too little time, or could not start it. The same check can succeed later. */
  | { type: 'busy' }

export interface SettingsLimits {
  /** CPU time of a thread since its start, in milliseconds; undefined where Node cannot measure it. */
  cpuTimeMs: (worker: Worker) => Promise<number | undefined>
  /** CPU time of one check; at the limit it is `ended`. Default: 5 seconds. */
  cpuLimitMs: number
  /** Wall-clock time of one check; at the limit it is `busy`. Default: 30 seconds. */
  patienceMs: number
}

/** Checks settings against a schema, off the event loop. */
export const checkSettings = createSettingsCheck()

/**
 * Creates a check with a thread of its own. A schema has a limit of CPU time, not of time: on a busy machine an honest schema
 * can wait longer for a processor than a hostile one computes.
 */
export function createSettingsCheck({
  cpuTimeMs = cpuTimeOf,
  cpuLimitMs = CPU_LIMIT_MS,
  patienceMs = PATIENCE_MS,
}: Partial<SettingsLimits> = {}): (order: SettingsOrder) => Promise<CheckedSettings> {
  // One at a time: a hostile schema makes other submissions wait, for a limited time, and nothing else.
  const gate = createGate(1)
  let idle: Worker | undefined

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

  return (order) =>
    gate(async () => {
      let worker: Worker
      try {
        worker = idle ?? start()
      } catch {
        // The system has no thread left.
        return { type: 'busy' }
      }
      idle = undefined
      // While it works, it keeps the process alive.
      worker.ref()
      const outcome = await ask(worker, order, { cpuTimeMs, cpuLimitMs, patienceMs })
      if (outcome.type === 'ended' || outcome.type === 'busy') await worker.terminate()
      else {
        worker.unref()
        idle = worker
      }
      return outcome
    })
}

/** Old releases of Node cannot measure a thread. There, a check without end is `busy` instead of `ended`. */
async function cpuTimeOf(worker: Worker): Promise<number | undefined> {
  if (typeof worker.cpuUsage !== 'function') return undefined
  const { user, system } = await worker.cpuUsage()
  return (user + system) / 1000
}

function ask(worker: Worker, order: SettingsOrder, limits: SettingsLimits): Promise<CheckedSettings> {
  return new Promise((resolve) => {
    const finish = (outcome: CheckedSettings) => {
      clearTimeout(patience)
      clearInterval(meter)
      worker.off('message', finish)
      worker.off('error', onError)
      worker.off('exit', onExit)
      resolve(outcome)
    }
    const onError = (error: unknown) => finish({ type: isOutOfMemory(error) ? 'ended' : 'busy' })
    const onExit = () => finish({ type: 'busy' })
    const patience = setTimeout(onExit, limits.patienceMs)
    const meter = startMeter(worker, limits, () => finish({ type: 'ended' }))
    worker.on('message', finish)
    worker.on('error', onError)
    worker.on('exit', onExit)
    worker.postMessage(order)
  })
}

/** Calls `onLimit` when the thread has used more CPU time than its limit. Checks before this one do not count. */
function startMeter(
  worker: Worker,
  { cpuTimeMs, cpuLimitMs }: SettingsLimits,
  onLimit: () => void,
): ReturnType<typeof setInterval> {
  let before: number | undefined
  return setInterval(async () => {
    // A thread that has ended cannot be measured; it emits `exit`.
    const used = await cpuTimeMs(worker).catch(() => undefined)
    if (used === undefined) return
    before ??= used
    if (used - before > cpuLimitMs) onLimit()
  }, LOOK_EVERY_MS)
}

const isOutOfMemory = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
