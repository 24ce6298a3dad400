import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'

/** Stops every process of an embedded PostgreSQL where it stands, as a machine without memory or a hanging disk does. Linux. */
export async function freezePostgres(dataDir: string): Promise<{ thaw(): void }> {
  const pids = await processesIn(await realpath(join(dataDir, 'cluster')))
  if (pids.length === 0) throw new Error(`No PostgreSQL runs in ${dataDir}`)
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  return {
    thaw() {
      for (const pid of pids.splice(0)) {
        try {
          process.kill(pid, 'SIGCONT')
        } catch {
          // Thawed before this one, the server has ended it.
        }
      }
    },
  }
}

/** The server and its backends work in the folder of their cluster. */
async function processesIn(folder: string): Promise<number[]> {
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
