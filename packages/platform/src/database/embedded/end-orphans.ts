import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { processIdentity } from '../../system/process-identity.ts'
import { readPostmaster } from './postmaster-file.ts'

const WAIT_MS = 10_000

/**
 * Kills the processes that a dead server has left. They hold its shared memory, and no server can start before they have
 * ended; a busy one may take hours. Then removes a `postmaster.pid` that a crash of the machine left empty, which PostgreSQL
 * would refuse. Only while no server runs on the cluster and no other process starts one. Linux only, as it needs /proc.
 */
export async function endOrphans(clusterDir: string): Promise<number> {
  if (process.platform !== 'linux') return 0
  const folder = await realpath(clusterDir).catch(() => undefined)
  if (folder === undefined) return 0
  const orphans = await findProcesses(folder)
  for (const pid of orphans) kill(pid)
  const endsAt = Date.now() + WAIT_MS
  for (const pid of orphans) while ((await processIdentity(pid)) !== undefined && Date.now() < endsAt) await sleep(10)
  if ((await readPostmaster(clusterDir)) === undefined) await rm(join(clusterDir, 'postmaster.pid'), { force: true })
  return orphans.length
}

/** The processes of PostgreSQL that work in the folder of a cluster. */
async function findProcesses(folder: string): Promise<number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    names.map(async (name) => {
      if ((await readlink(`/proc/${name}/cwd`).catch(() => undefined)) !== folder) return []
      const program = (await readFile(`/proc/${name}/comm`, 'utf8').catch(() => '')).trim()
      return program === 'postgres' ? [Number(name)] : []
    }),
  )
  return found.flat()
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended in the meantime.
  }
}
