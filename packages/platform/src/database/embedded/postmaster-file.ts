import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../errors.ts'

/** What a running server writes into `postmaster.pid`. */
export interface Postmaster {
  pid: number
  port: number
  ready: boolean
}

/** Reads `postmaster.pid` of a cluster; undefined when there is none. Its lines appear one after another. */
export async function readPostmaster(clusterDir: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new ConfigError(`${clusterDir} cannot be read; start as the user who made it, or set DATABASE_URL`, {
      cause: error,
    })
  })
  const lines = text?.split('\n') ?? []
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  return { pid, port: Number(lines[3] ?? 0), ready: lines[7]?.trim() === 'ready' }
}

/**
 * After a crash of the machine or a restart of a container, the number in `postmaster.pid` may belong to any program,
 * and PostgreSQL would refuse to start beside it. The number is replaced by one that no process can have; the other lines
 * stay, because they let PostgreSQL see backends that are still alive.
 */
export async function disownPostmaster(clusterDir: string): Promise<void> {
  const path = join(clusterDir, 'postmaster.pid')
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return
  // Written in place: it keeps its owner, who is not us when we are root.
  await writeFile(path, text.replace(/^[^\n]*/, String(2 ** 30)))
}
