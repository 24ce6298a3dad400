import { execFile } from 'node:child_process'
import { open, readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { ConfigError } from '../../errors.ts'
import { rotateByCopy } from '../../rotating-file.ts'
import { processIdentity } from '../../system/process-identity.ts'
import type { PostgresBinaries } from './binaries.ts'
import { type ClusterFiles, USER } from './cluster.ts'
import { cannotRun, lastLines } from './failures.ts'
import { disownPostmaster, readPostmaster } from './postmaster-file.ts'
import type { RunAs } from './run-as.ts'

export interface RunningServer {
  pid: number
  port: number
}

const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000

/** Small enough for a laptop, and as durable as PostgreSQL's defaults: `fsync` stays on. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '64MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '512MB',
  // Containers often have a /dev/shm of 64 MB.
  dynamic_shared_memory_type: 'mmap',
  huge_pages: 'off',
  jit: 'off',
  timezone: 'UTC',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
}

export function urlOf(port: number, password: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`
}

/** The pid of the server that runs on this cluster. A running process of another program does not count. */
export async function findRunning({ clusterDir }: ClusterFiles): Promise<number | undefined> {
  const found = await readPostmaster(clusterDir)
  if (found === undefined || (await processIdentity(found.pid)) === undefined) return undefined
  if (await servesCluster(found.pid, clusterDir)) return found.pid
  await disownPostmaster(clusterDir)
  return undefined
}

async function servesCluster(pid: number, clusterDir: string): Promise<boolean> {
  const command =
    process.platform === 'linux'
      ? (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').join(' ')
      : (await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))).stdout
  return command.includes('postgres') && command.includes(clusterDir)
}

export interface StartServerOptions {
  files: ClusterFiles
  binaries: PostgresBinaries
  user: RunAs
  password: string
  /** Undefined: a free port. */
  port: number | undefined
  /** For reasons that can pass. */
  tries: number
}

/** Starts a server that outlives this process. @throws ConfigError */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  const { files } = options
  let reason = ''
  // Another program can take the free port first. And after a crash of the server, its last backends need a moment to end
  // before a new server can start.
  for (let attempt = 1; attempt <= options.tries; attempt++) {
    const started = await startOnce(options)
    if ('pid' in started) return started
    reason = started.reason
    if (!/could not bind|Address already in use|shared memory block|lock file/.test(reason)) break
    await sleep(200 * attempt)
  }
  throw new ConfigError(`PostgreSQL does not start in ${files.dataDir}: ${reason}. The full log is ${files.logFile}`)
}

async function startOnce(options: StartServerOptions): Promise<RunningServer | { reason: string }> {
  const { files, user, password } = options
  const { postgres } = options.binaries
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const port = options.port ?? (await freePort())
  const { log, logStart } = await openLog(files, user)
  let ended: string | undefined
  try {
    const child = user.spawn(postgres, ['-D', files.clusterDir, '-p', String(port), ...settings], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    child.once('exit', (code, signal) => {
      ended = `it exited with ${signal ?? code}`
    })
    child.once('error', (error) => {
      ended = error.message
    })
    child.unref()
    if (child.pid === undefined) {
      // The event with the reason follows.
      await sleep(10)
      cannotRun(postgres, new Error(ended ?? 'it could not be started'))
    }
    const server = await waitUntilReady(files, child.pid, password, () => ended !== undefined)
    if (server !== undefined) return server
    const output = (await readFile(files.logFile, 'utf8').catch(() => '')).slice(logStart)
    return { reason: lastLines(output) || (ended ?? 'it exited') }
  } finally {
    await log.close()
  }
}

/** `logStart` is where the output of this start begins. */
async function openLog({ logFile }: ClusterFiles, user: RunAs) {
  rotateByCopy(logFile)
  const size = (await stat(logFile).catch(() => undefined))?.size ?? 0
  const log = await open(logFile, 'a', 0o600)
  if (user.owner !== undefined) await log.chown(user.owner.uid, user.owner.gid)
  return { log, logStart: size }
}

/** Waits until a process serves its cluster. Returns undefined when it ends instead. */
export async function waitUntilReady(
  { dataDir, clusterDir, logFile }: ClusterFiles,
  pid: number,
  password: string,
  hasEnded: () => boolean = () => false,
): Promise<RunningServer | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS
  let lastError: unknown
  while (Date.now() < deadline) {
    if (hasEnded() || (await processIdentity(pid)) === undefined) return undefined
    const server = await readPostmaster(clusterDir)
    if (server?.pid === pid && server.ready && server.port > 0) {
      try {
        await checkServer(server.port, password, clusterDir)
        return { pid, port: server.port }
      } catch (error) {
        if (error instanceof ConfigError) throw error
        lastError = error
      }
    }
    await sleep(20)
  }
  throw new ConfigError(
    `The PostgreSQL of ${dataDir} (process ${pid}) does not answer; end that process, or read ${logFile}`,
    { cause: lastError },
  )
}

/** Checks that our server answers: another one may use the port of a stale file by now. */
async function checkServer(port: number, password: string, clusterDir: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(port, password), connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ data_directory: string }>('show data_directory')
    const actual = rows[0]?.data_directory
    if (actual !== clusterDir)
      throw new ConfigError(`Port ${port} belongs to a PostgreSQL on ${actual}, not to the one on ${clusterDir}`)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Stops a server without waiting for its clients. Does nothing when its pid belongs to another process. */
export async function stopServer(pid: number, identity: string | undefined): Promise<void> {
  const isRunning = async () => identity !== undefined && (await processIdentity(pid)) === identity
  const deadline = Date.now() + STOP_TIMEOUT_MS
  // SIGINT disconnects the clients and shuts down cleanly.
  if (await isRunning()) process.kill(pid, 'SIGINT')
  while (await isRunning()) {
    if (Date.now() > deadline) {
      process.kill(pid, 'SIGQUIT')
      await sleep(500)
      return
    }
    await sleep(20)
  }
}

function freePort(): Promise<number> {
  return new Promise((found, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => found(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
