import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { ConfigError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { ensureWritableFolder } from '../../system/folders.ts'
import { lockFolder } from '../../system/lock-folder.ts'
import { processIdentity } from '../../system/process-identity.ts'
import { findBinaries, type PostgresBinaries } from './binaries.ts'
import { disownPostmaster, readPostmaster } from './postmaster-file.ts'
import { chooseUser, type RunAs } from './run-as.ts'

export interface EmbeddedPostgresOptions {
  /** The server's folder: its cluster, its password (mode 600) and its log lie in it. Made where it is absent. */
  dataDir: string
  logger?: Logger | undefined
  /** Told in a few words what takes time, for a person who waits. */
  onProgress?: ((text: string) => void) | undefined
  /** Other binaries than those of the installed package, of the same major version. */
  binaries?: PostgresBinaries
}

export interface EmbeddedPostgres {
  url: string
  pid: number
  /** It was running already, left by a process that died or did not stop it. */
  adopted: boolean
  /** Shuts it down without waiting for its clients, and resolves when it has ended. */
  stop(): Promise<void>
}

const USER = 'trainyard'
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000

/** Small enough for a laptop, and as durable as PostgreSQL is by default: `fsync` stays on. */
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

/**
 * Starts a real PostgreSQL on 127.0.0.1, or adopts the one that already runs on this folder. It is a process of its own
 * and outlives ours; `stop()` ends it. The reasons for not using a wrapper are in `docs/decisions/embedded-postgres.md`.
 *
 * @throws ConfigError when this machine or this user cannot run it; the message says what to do
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { logger, onProgress = () => undefined } = options
  const dataDir = resolve(options.dataDir)
  const binaries = options.binaries ?? (await findBinaries())
  await ensureWritableFolder(dataDir, 'the folder of PostgreSQL')
  const lock = await waitForLock(dataDir)
  try {
    const user = await chooseUser(binaries, dataDir)
    const cluster = join(dataDir, 'cluster')
    const running = await findRunning(cluster)
    if (running !== undefined) {
      const password = await readPassword(dataDir)
      const server = await whenReady(cluster, running.pid, password, () => undefined, dataDir)
      if (server !== undefined) {
        logger?.info({ postgresPid: server.pid, port: server.port }, 'adopted the PostgreSQL that was running')
        return handle(server.pid, server.port, password, true)
      }
    }
    const password = await initialise(dataDir, cluster, binaries, user, onProgress)
    const server = await launch(dataDir, cluster, binaries, user, password)
    logger?.info({ postgresPid: server.pid, port: server.port }, 'started PostgreSQL')
    return handle(server.pid, server.port, password, false)
  } finally {
    await lock.release().catch((error: unknown) => logger?.warn({ err: error }, 'the lock of the start stays behind'))
  }
}

/** Two starts on one folder take turns: the second one adopts what the first one started. */
async function waitForLock(dataDir: string) {
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    try {
      return await lockFolder(dataDir, { fileName: 'starting.lock' })
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(50)
    }
  }
}

/** The server of this cluster, if it lives. A live process of another program is no server of ours. */
async function findRunning(cluster: string): Promise<{ pid: number } | undefined> {
  const found = await readPostmaster(cluster)
  if (found === undefined || (await processIdentity(found.pid)) === undefined) return undefined
  if (await servesCluster(found.pid, cluster)) return { pid: found.pid }
  await disownPostmaster(cluster)
  return undefined
}

async function servesCluster(pid: number, cluster: string): Promise<boolean> {
  const command =
    process.platform === 'linux'
      ? (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').join(' ')
      : (await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))).stdout
  return command.includes('postgres') && command.includes(cluster)
}

async function readPassword(dataDir: string): Promise<string> {
  try {
    return (await readFile(join(dataDir, 'password'), 'utf8')).trim()
  } catch (error) {
    throw new ConfigError(
      `The password of the PostgreSQL in ${dataDir} cannot be read (file "password"); restore it, start as the user who made it, or remove ${dataDir} to begin anew (its data are lost then)`,
      { cause: error },
    )
  }
}

/** Runs `initdb` where there is no cluster yet. It is built beside its place: an interrupted one leaves nothing half-made. */
async function initialise(
  dataDir: string,
  cluster: string,
  binaries: PostgresBinaries,
  user: RunAs,
  onProgress: (text: string) => void,
): Promise<string> {
  if (await exists(join(cluster, 'PG_VERSION'))) return await readPassword(dataDir)
  onProgress('Preparing PostgreSQL (once, a few seconds)')
  for (const name of await readdir(dataDir)) {
    if (name.startsWith('cluster.') || name.startsWith('probe.'))
      await rm(join(dataDir, name), { recursive: true, force: true })
  }
  const password = randomBytes(24).toString('base64url')
  const passwordFile = join(dataDir, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  await chmod(passwordFile, 0o600)
  const draft = join(dataDir, `cluster.${randomUUID().slice(0, 8)}`)
  await mkdir(draft, { mode: 0o700 })
  if (user.owner !== undefined) {
    await chown(passwordFile, user.owner.uid, user.owner.gid)
    await chown(draft, user.owner.uid, user.owner.gid)
  }
  const child = user.spawn(
    binaries.initdb,
    [
      `--pgdata=${draft}`,
      `--username=${USER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-sync',
      '--no-instructions',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const output: string[] = []
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  const code = await new Promise<number | null>((done, reject) => {
    child.once('error', reject)
    child.once('close', done)
  }).catch((error: unknown) => cannotRun(binaries.initdb, error))
  if (code !== 0) {
    await rm(draft, { recursive: true, force: true })
    throw new ConfigError(
      `PostgreSQL could not be prepared in ${dataDir} (initdb ended with ${code}): ${tail(output.join(''))}. Mend that, or set DATABASE_URL`,
    )
  }
  await rename(draft, cluster)
  return password
}

async function launch(
  dataDir: string,
  cluster: string,
  binaries: PostgresBinaries,
  user: RunAs,
  password: string,
): Promise<{ pid: number; port: number }> {
  const logPath = join(dataDir, 'server.log')
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let lastWords = ''
  // Between finding a free port and taking it another program may be faster; and after a crash of the server, its last
  // backends need a moment to end before a new one may start.
  for (let tries = 0; tries < 10; tries++) {
    const port = await freePort()
    const logSize = (await stat(logPath).catch(() => undefined))?.size ?? 0
    const log = await open(logPath, logSize > 10_000_000 ? 'w' : 'a', 0o600)
    const from = logSize > 10_000_000 ? 0 : logSize
    if (user.owner !== undefined) await log.chown(user.owner.uid, user.owner.gid)
    let ended: string | undefined
    try {
      const child = user.spawn(binaries.postgres, ['-D', cluster, '-p', String(port), ...settings], {
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      })
      child.once('exit', (code, signal) => {
        ended = `it ended with ${signal ?? code}`
      })
      child.once('error', (error) => {
        ended = error.message
      })
      child.unref()
      if (child.pid === undefined) {
        await sleep(10)
        cannotRun(binaries.postgres, new Error(ended ?? 'it could not be started'))
        continue
      }
      const server = await whenReady(cluster, child.pid, password, () => ended, dataDir)
      if (server !== undefined) return server
      lastWords = tail((await readFile(logPath, 'utf8').catch(() => '')).slice(from)) || (ended ?? 'it ended')
      if (!/could not bind|Address already in use|shared memory block|lock file/.test(lastWords)) break
      await sleep(200 * (tries + 1))
    } finally {
      await log.close()
    }
  }
  throw new ConfigError(`PostgreSQL does not start in ${dataDir}: ${lastWords}. Its whole log is ${logPath}`)
}

/** Waits until the process serves its cluster; undefined when it ends instead. */
async function whenReady(
  cluster: string,
  pid: number,
  password: string,
  ended: () => string | undefined,
  dataDir: string,
): Promise<{ pid: number; port: number } | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS
  let lastError: unknown
  while (Date.now() < deadline) {
    if (ended() !== undefined || (await processIdentity(pid)) === undefined) return undefined
    const server = await readPostmaster(cluster)
    if (server?.pid === pid && server.ready && server.port > 0) {
      try {
        await answers(server.port, password, cluster)
        return { pid, port: server.port }
      } catch (error) {
        if (error instanceof ConfigError) throw error
        lastError = error
      }
    }
    await sleep(20)
  }
  throw new ConfigError(
    `The PostgreSQL of ${dataDir} (process ${pid}) does not answer; end that process, or look into ${join(dataDir, 'server.log')}`,
    { cause: lastError },
  )
}

/** Whether it is our server that answers: the port in a stale file may have a new owner. */
async function answers(port: number, password: string, cluster: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(port, password), connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ data_directory: string }>('show data_directory')
    if (rows[0]?.data_directory !== cluster) {
      throw new ConfigError(
        `Port ${port} belongs to a PostgreSQL on ${rows[0]?.data_directory}, not to the one on ${cluster}`,
      )
    }
  } finally {
    await client.end().catch(() => undefined)
  }
}

function handle(pid: number, port: number, password: string, adopted: boolean): EmbeddedPostgres {
  const identity = processIdentity(pid)
  return { url: urlOf(port, password), pid, adopted, stop: async () => await stopProcess(pid, await identity) }
}

function urlOf(port: number, password: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`
}

async function stopProcess(pid: number, identity: string | undefined): Promise<void> {
  const alive = async () => identity !== undefined && (await processIdentity(pid)) === identity
  const deadline = Date.now() + STOP_TIMEOUT_MS
  // SIGINT: clients are disconnected, everything is written, a clean end.
  if (await alive()) process.kill(pid, 'SIGINT')
  while (await alive()) {
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

function cannotRun(program: string, error: unknown): never {
  throw new ConfigError(
    `${program} cannot be run here (${error instanceof Error ? error.message : String(error)}); systems with musl, such as Alpine, need a PostgreSQL of their own: set DATABASE_URL`,
    { cause: error },
  )
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

function tail(text: string): string {
  return text.trim().split('\n').slice(-5).join(' | ').slice(-1000)
}
