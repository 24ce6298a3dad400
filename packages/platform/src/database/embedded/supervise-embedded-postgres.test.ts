import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ConfigError } from '../../errors.ts'
import { processIdentity } from '../../system/process-identity.ts'
import { type Database, openDatabase } from '../open-database.ts'
import { startEmbeddedPostgres } from './start-embedded-postgres.ts'
import {
  type SupervisedPostgres,
  type SuperviseOptions,
  superviseEmbeddedPostgres,
} from './supervise-embedded-postgres.ts'

const run = promisify(execFile)
const hasProc = process.platform === 'linux'

describe('a supervised PostgreSQL', () => {
  const cleanups: (() => Promise<unknown>)[] = []
  let template: string
  beforeAll(async () => {
    template = await mkdtemp(join(tmpdir(), 'trainyard-postgres-template-'))
    await (await startEmbeddedPostgres({ dataDir: template })).stop()
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })
  afterAll(async () => {
    await rm(template, { recursive: true, force: true })
  })

  async function preparedDir(): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), 'trainyard-postgres-test-'))
    cleanups.push(() => rm(dir, { recursive: true, force: true }))
    execFileSync('cp', ['-a', `${template}/.`, dir])
    return dir
  }

  async function supervise(options: Partial<SuperviseOptions> = {}) {
    const notices: string[] = []
    const dataDir = options.dataDir ?? (await preparedDir())
    const server = await superviseEmbeddedPostgres({ onNotice: (text) => notices.push(text), ...options, dataDir })
    cleanups.push(() => server.stop())
    return { server, notices, dataDir }
  }

  async function open(server: SupervisedPostgres): Promise<Database<unknown>> {
    const database = await openDatabase<unknown>({ url: server.url, schema: 'test', migrations: {} })
    cleanups.push(() => database.close())
    return database
  }

  it('is started again on its port with its data after kill -9, and reports both', async () => {
    const { server, notices } = await supervise()
    const database = await open(server)
    await sql`create table t as select 7 as n`.execute(database.db)
    const { pid, url } = server
    process.kill(pid, 'SIGKILL')
    await until(async () => notices.length === 2)
    expect(await ask(database, 'select n from t')).toEqual([{ n: 7 }])
    expect(server.url).toBe(url)
    expect(server.pid).not.toBe(pid)
    expect(notices).toEqual([
      'PostgreSQL has ended unexpectedly. Starting it again; requests are answered with 503 until it runs',
      expect.stringMatching(/^PostgreSQL runs again after \d+\.\d s$/),
    ])
  })

  it('is started again after another program shut it down, also while clients are connected', async () => {
    const { server } = await supervise()
    const database = await open(server)
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
      // An open transaction would keep a server that received SIGTERM running.
      const transaction = database.transaction(async (trx) => {
        await sql`select 1`.execute(trx)
        await sleep(500)
        await sql`select 1`.execute(trx)
      })
      const { pid } = server
      await sleep(100)
      process.kill(pid, signal)
      await expect(transaction, signal).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 2 })
      await until(async () => server.pid !== pid)
      expect(await ask(database, 'select 1 as one'), signal).toEqual([{ one: 1 }])
    }
  })

  it('serves again after one of its backends was killed, and throws only errors that can be retried', async () => {
    const { server } = await supervise()
    const database = await open(server)
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(database.db)
    process.kill(rows[0]?.pid ?? 0, 'SIGKILL')
    expect(await ask(database, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('restores connections that listen', async () => {
    const { server } = await supervise()
    const database = await open(server)
    const heard: string[] = []
    let reconnects = 0
    await database.listen('news', (text) => heard.push(text), { onReconnect: () => reconnects++ })
    process.kill(server.pid, 'SIGKILL')
    await until(async () => reconnects > 0)
    await database.notify('news', 'back')
    await until(async () => heard.length > 0)
    expect(heard).toEqual(['back'])
  })

  it.skipIf(!hasProc)('ends busy backends of a dead server, which hold its data folder (needs /proc)', async () => {
    const { server, dataDir } = await supervise()
    const database = await open(server)
    // It neither waits for a client nor notices that its server has died.
    const busy = sql`do 'begin perform count(*) from generate_series(1, 100000000000); end'`.execute(database.db)
    busy.catch(() => undefined)
    await until(async () => (await backendsOf(dataDir)).length > 0)
    const before = new Set(await backendsOf(dataDir))
    process.kill(server.pid, 'SIGKILL')
    expect(await ask(database, 'select 1 as one')).toEqual([{ one: 1 }])
    expect((await backendsOf(dataDir)).filter((pid) => before.has(pid))).toEqual([])
  })

  it.skipIf(!hasProc)(
    'starts after all its processes were killed and its pid file was left empty (needs /proc)',
    async () => {
      const dataDir = await preparedDir()
      const first = await startEmbeddedPostgres({ dataDir })
      for (const pid of [first.pid, ...(await backendsOf(dataDir))]) process.kill(pid, 'SIGKILL')
      await until(async () => (await processIdentity(first.pid)) === undefined)
      await writeFile(join(dataDir, 'cluster', 'postmaster.pid'), '')
      const { server } = await supervise({ dataDir })
      expect(server.pid).not.toBe(first.pid)
    },
  )

  it('gives up after ten failures in a row, with the last words of the log', async () => {
    const { server, dataDir, gaveUp } = await superviseUntilFailure()
    const cluster = join(dataDir, 'cluster')
    await rename(join(cluster, 'global'), join(cluster, 'gone'))
    process.kill(server.pid, 'SIGKILL')
    const error = await gaveUp
    expect(error.message).toMatch(/could not be started again in 10 tries.*global.*The full log is .*server\.log/)
  }, 60_000)

  async function superviseUntilFailure() {
    const { promise, resolve } = Promise.withResolvers<ConfigError>()
    return { ...(await supervise({ onGiveUp: resolve, maxPauseMs: 10 })), gaveUp: promise }
  }

  it('stays down after stop()', async () => {
    const { server, notices } = await supervise()
    await server.stop()
    await sleep(500)
    expect(await processIdentity(server.pid)).toBeUndefined()
    expect(notices).toEqual([])
  })

  it('is stopped in a process that waits for nothing else, also when stop() comes during a check', async () => {
    const dataDir = await preparedDir()
    const program = fileURLToPath(new URL('testing/stop-during-a-check.ts', import.meta.url))
    await run(process.execPath, ['--conditions=trainyard-source', program, dataDir])
    await expect(readFile(join(dataDir, 'cluster', 'postmaster.pid'))).rejects.toThrow('ENOENT')
  })
})

/** Repeats a query until the database answers. Other errors than `unavailable` are thrown. */
async function ask(database: Database<unknown>, text: string): Promise<unknown[]> {
  const endsAt = Date.now() + 30_000
  for (;;) {
    try {
      return (await sql.raw(text).execute(database.db)).rows
    } catch (error) {
      expect(error).toMatchObject({ code: 'unavailable', status: 503 })
      if (Date.now() > endsAt) throw error
      await sleep(20)
    }
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const endsAt = Date.now() + 30_000
  while (!(await condition())) {
    if (Date.now() > endsAt) throw new Error('the condition was not met in time')
    await sleep(20)
  }
}

/** The processes in the folder of the cluster, without the server itself. */
async function backendsOf(dataDir: string): Promise<number[]> {
  const cluster = join(dataDir, 'cluster')
  const postmaster = Number((await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0])
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === postmaster) continue
    if ((await readlink(`/proc/${name}/cwd`).catch(() => '')) === cluster) found.push(Number(name))
  }
  return found
}
