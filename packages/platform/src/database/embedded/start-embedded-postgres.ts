import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../log.ts'
import { ensureWritableFolder } from '../../system/folders.ts'
import { type FolderLock, lockFolder } from '../../system/lock-folder.ts'
import { processIdentity } from '../../system/process-identity.ts'
import { findBinaries, type PostgresBinaries } from './binaries.ts'
import { clusterFiles, ensureCluster, readPassword } from './cluster.ts'
import { endOrphans } from './end-orphans.ts'
import { chooseUser } from './run-as.ts'
import { findRunning, type RunningServer, startServer, stopServer, urlOf, waitUntilReady } from './server-process.ts'

export interface EmbeddedPostgresOptions {
  /** The folder of the server, with its cluster, its password (mode 600) and its log. Created when it does not exist. */
  dataDir: string
  logger?: Logger | undefined
  /** Receives a short description of steps that take time, to be shown to a person. */
  onProgress?: ((text: string) => void) | undefined
  /** Other binaries of the same major version. Default: those of the installed package. */
  binaries?: PostgresBinaries | undefined
  /** Default: a free port. */
  port?: number | undefined
  /** How often a start is tried that fails for a reason that can pass, such as a port in use. Default: 10. */
  tries?: number | undefined
}

export interface EmbeddedPostgres {
  url: string
  pid: number
  port: number
  /** Whether the server was already running: a process that died or did not stop it has left it. */
  adopted: boolean
  /** Shuts the server down without waiting for its clients, and resolves when it has ended. */
  stop(): Promise<void>
}

const LOCK_TIMEOUT_MS = 60_000

/**
 * Starts a real PostgreSQL on 127.0.0.1, or adopts the one that already runs on this folder. It is a separate process and
 * outlives this one; `stop()` ends it. `docs/decisions/embedded-postgres.md` explains why no wrapper is used.
 *
 * @throws ConfigError when this machine or this user cannot run it; the message tells what to do
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { logger, onProgress = () => undefined } = options
  const files = clusterFiles(options.dataDir)
  const binaries = options.binaries ?? (await findBinaries())
  await ensureWritableFolder(files.dataDir, 'the folder of PostgreSQL')
  const lock = await waitForLock(files.dataDir)
  try {
    const user = await chooseUser(binaries, files.dataDir)
    const runningPid = await findRunning(files)
    if (runningPid !== undefined) {
      const password = await readPassword(files)
      const server = await waitUntilReady(files, runningPid, password)
      if (server !== undefined) {
        logger?.info({ postgresPid: server.pid, port: server.port }, 'adopted a running PostgreSQL')
        return handleOf(server, password, { adopted: true })
      }
    }
    const password = await ensureCluster(files, binaries, user, onProgress)
    const orphans = await endOrphans(files.clusterDir)
    if (orphans > 0) logger?.warn({ orphans }, 'ended what a dead PostgreSQL had left')
    const server = await startServer({
      files,
      binaries,
      user,
      password,
      port: options.port,
      tries: options.tries ?? 10,
    })
    logger?.info({ postgresPid: server.pid, port: server.port }, 'started PostgreSQL')
    return handleOf(server, password, { adopted: false })
  } finally {
    await lock.release().catch((error: unknown) => logger?.warn({ err: error }, 'could not remove the start lock'))
  }
}

/** Two starts on one folder take turns: the second one adopts the server of the first. */
async function waitForLock(dataDir: string): Promise<FolderLock> {
  const deadline = Date.now() + LOCK_TIMEOUT_MS
  for (;;) {
    try {
      return await lockFolder(dataDir, { fileName: 'starting.lock' })
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(50)
    }
  }
}

function handleOf({ pid, port }: RunningServer, password: string, { adopted }: { adopted: boolean }): EmbeddedPostgres {
  const identity = processIdentity(pid)
  return { url: urlOf(port, password), pid, port, adopted, stop: async () => await stopServer(pid, await identity) }
}
