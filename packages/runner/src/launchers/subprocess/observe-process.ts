import { existsSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { constants } from 'node:os'
import type { Exited, Observation } from '../launcher.ts'
import { isOurProcess, readPid, readText } from './attempt-folder.ts'
import { wasOutOfMemory } from './cgroups.ts'
import type { AttemptFiles } from './spec.ts'

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))
/** How long the shim has to write its pid. After that, its launch counts as failed. */
const PID_TIMEOUT_MS = 5000

export async function observeProcess(files: AttemptFiles): Promise<Observation> {
  const exit = await readExit(files)
  if (exit !== undefined) return exit
  const folder = await stat(files.dir).catch(() => undefined)
  if (folder === undefined) return { state: 'absent' }
  const pid = await readPid(files.shimPid)
  if (pid === undefined) {
    // Launched a moment ago, or a runner died after it created the folder and before it started the shim.
    if (!existsSync(files.launched) && !existsSync(files.started)) return { state: 'absent' }
    return Date.now() - folder.mtimeMs < PID_TIMEOUT_MS ? { state: 'running' } : { state: 'lost' }
  }
  if (await isOurProcess(files, pid)) return { state: 'running' }
  // It can have ended after the first read.
  const ended = await readExit(files)
  if (ended !== undefined) return ended
  if (!existsSync(files.dir)) return { state: 'absent' }
  if (!existsSync(files.killed)) return { state: 'lost' }
  const why = await reasonOf(files, 'SIGKILL')
  return { state: 'exited', exitCode: 137, signal: 'SIGKILL', ...why, reason: why.reason ?? 'killed' }
}

async function readExit(files: AttemptFiles): Promise<Exited | undefined> {
  // Through one handle, because the folder can be removed between two reads.
  const handle = await open(files.exitCode, 'r').catch(() => undefined)
  if (handle === undefined) return undefined
  let text: string
  let finishedAt: Date
  try {
    text = await handle.readFile('utf8')
    finishedAt = (await handle.stat()).mtime
  } finally {
    await handle.close()
  }
  if (!/^\d+\s*$/.test(text)) return undefined
  const exitCode = Number(text)
  const signal = exitCode > 128 ? SIGNAL_NAMES.get(exitCode - 128) : undefined
  const why = exitCode === 0 ? undefined : await reasonOf(files, signal)
  return { state: 'exited', exitCode, signal, reason: why?.reason, detail: why?.detail, finishedAt }
}

type Why = Pick<Exited, 'reason' | 'detail'>

async function reasonOf(files: AttemptFiles, signal: string | undefined): Promise<Why> {
  const overDisk = await readText(files.overDisk)
  if (overDisk !== undefined) return { reason: 'storage_limit', detail: overDisk }
  if (signal === 'SIGXFSZ') return { reason: 'storage_limit' }
  if (await wasOutOfMemory(files.cgroup)) return { reason: 'out_of_memory' }
  if (signal !== undefined || (await readText(files.entered)) !== '') return {}
  // It ended before the trainer was started. Attempts of older runners do not have the file.
  const output = (await readText(files.stderr)) ?? ''
  return { reason: 'sandbox_failed', detail: output.trim().split('\n').at(-1)?.slice(0, 500) }
}
