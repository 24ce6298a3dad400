import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../errors.ts'
import { errorCode } from '../../system/describe-error.ts'

/** The contents of `postmaster.pid`, which a running server writes. */
export interface Postmaster {
  pid: number
  port: number
  ready: boolean
  /** Whether it is shutting down: it accepts no connections, and may wait for its clients for hours. */
  stopping: boolean
}

/** Reads the `postmaster.pid` of a cluster; undefined when it does not exist. The server writes its lines one by one. */
export async function readPostmaster(clusterDir: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw new ConfigError(`${clusterDir} cannot be read; start as the user who created it, or set DATABASE_URL`, {
      cause: error,
    })
  })
  const lines = text?.split('\n') ?? []
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  const status = lines[7]?.trim()
  return { pid, port: Number(lines[3] ?? 0), ready: status === 'ready', stopping: status === 'stopping' }
}

/**
 * Replaces the pid in `postmaster.pid` with one that no process can have. After a crash of the machine or a restart of a
 * container, another program may have the old pid, and PostgreSQL would refuse to start. The other lines stay, because
 * PostgreSQL uses them to detect backends that are still running.
 */
export async function disownPostmaster(clusterDir: string): Promise<void> {
  const path = join(clusterDir, 'postmaster.pid')
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return
  // Written in place, so that the file keeps its owner, which differs from us when we are root.
  await writeFile(path, text.replace(/^[^\n]*/, String(2 ** 30)))
}
