import { setTimeout as sleep } from 'node:timers/promises'
import { isCode, isOurProcess, readPid, writeAtomically } from './attempt-folder.ts'
import { findTrainer, reads } from './find-trainer.ts'
import { observeProcess } from './observe-process.ts'
import type { AttemptFiles } from './spec.ts'

/** Sends SIGTERM to the trainer and, after the grace period, SIGKILL to its process group. */
export async function stopProcess(files: AttemptFiles, graceMs: number): Promise<void> {
  const isRunning = async () => (await observeProcess(files)).state === 'running'
  if (!(await isRunning())) return
  if (graceMs > 0) {
    await terminate(files)
    const endsAt = performance.now() + graceMs
    while (performance.now() < endsAt) {
      if (!(await isRunning())) return
      await sleep(Math.min(50, graceMs))
    }
  }
  const pid = await readPid(files.shimPid)
  if (pid === undefined) return
  // Stored before the kill: if the runner dies in between, the next one knows how the trainer ended.
  await writeAtomically(files.killed, new Date().toISOString())
  if (await isOurProcess(files, pid)) signalGroup(pid, 'SIGKILL')
  for (let waits = 0; waits < 200 && (await isRunning()); waits++) await sleep(10)
}

/** Sends SIGTERM to the trainer only, like `docker stop`. Until the grace period ends, it can stop its children itself. */
async function terminate(files: AttemptFiles): Promise<void> {
  const shim = await readPid(files.shimPid)
  const find = async () => {
    const pid = await readPid(files.trainerPid)
    return pid === undefined ? undefined : await findTrainer(pid)
  }
  let trainer = await find()
  for (let waits = 0; trainer === undefined && waits < 100; waits++) {
    await sleep(20)
    trainer = await find()
  }
  if (shim === undefined || !(await isOurProcess(files, shim))) return
  // While the shim runs, the pid belongs to the trainer or its zombie and cannot be reused.
  try {
    if (trainer === undefined) signalGroup(shim, 'SIGTERM')
    else process.kill(trainer, 'SIGTERM')
  } catch (error) {
    if (!isCode(error, 'ESRCH')) throw error
  }
}

/** Kills a trainer whose shim was killed from outside. It is recognised by its environment. */
export async function killOrphan(files: AttemptFiles): Promise<void> {
  const shim = await readPid(files.shimPid)
  const trainer = await readPid(files.trainerPid)
  if (shim === undefined || trainer === undefined || !(await reads(trainer, files.tokenFile))) return
  signalGroup(shim, 'SIGKILL')
  for (let waits = 0; waits < 200 && (await reads(trainer, files.tokenFile)); waits++) await sleep(10)
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // macOS answers EPERM for a group that contains only zombies.
    if (!isCode(error, 'ESRCH') && !isCode(error, 'EPERM')) throw error
  }
}
