import { readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'

/** Stops every process of an embedded PostgreSQL where it stands, as a machine without memory or a hanging disk does. Linux. */
export async function freezePostgres(dataDir: string): Promise<{ thaw(): void }> {
  const pids = await processesIn(await realpath(join(dataDir, 'cluster')))
  if (pids.length === 0) throw new Error(`No PostgreSQL runs in ${dataDir}`)
  const send = (signal: 'SIGSTOP' | 'SIGCONT') => {
    for (const pid of pids) {
      try {
        process.kill(pid, signal)
      } catch {
        // The server has ended this backend.
      }
    }
  }
  send('SIGSTOP')
  return {
    thaw() {
      send('SIGCONT')
      pids.length = 0
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
