import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '@trainyard/platform'
import { createEmptyDatabase, type FaultyDatabase, startFaultyDatabase } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ROOT } from '../lib/run.ts'
import { MIGRATIONS } from './areas.ts'
import { openBackup } from './backup-files.ts'
import { createBackup } from './create-backup.ts'
import { restoreBackup } from './restore-backup.ts'

const CODES = ['ENOSPC', 'EIO', 'EMFILE']
const RELEASES = join(ROOT, 'tests', 'fixtures', 'releases')
/** Of a backup or a restore, at which the connection is lost. */
const STATEMENTS = 5
const quiet = { onProgress: () => {} }

type Call = (...args: unknown[]) => unknown

/** One call of the file system fails. */
const faults = vi.hoisted(() => {
  // Files of tests share a process: what an earlier one has loaded has the real file system.
  vi.resetModules()
  const state: { at: number; code: string; labels: string[]; failed: string | undefined; isArmed: boolean } = {
    at: Number.POSITIVE_INFINITY,
    code: 'EIO',
    labels: [],
    failed: undefined,
    isArmed: false,
  }
  return {
    state,
    isCall: (value: unknown): value is (...args: unknown[]) => unknown => typeof value === 'function',
    /** Calls that differ only in ids are alike: one of them is made to fail. */
    labelOf(name: string, [first]: readonly unknown[]): string {
      if (typeof first !== 'string') return name
      const path = first.replaceAll(/[0-9a-f]{6,}|\d+/g, '#').replace(/.*\/(database|objects|store|draft|backup)/, '$1')
      return `${name} ${path.split('/').slice(0, 2).join('/')}`
    },
    next(label: string): Error | undefined {
      if (!state.isArmed || state.labels.push(label) !== state.at) return undefined
      state.failed = label
      return Object.assign(new Error(`${state.code}: injected fault, ${label}`), { code: state.code, syscall: label })
    },
  }
})

vi.mock('node:fs/promises', async (importActual) => {
  const actual = await importActual<Record<string, unknown>>()
  const wrap = (target: object, prefix: string): object =>
    new Proxy(target, {
      get(object, key) {
        const value: unknown = Reflect.get(object, key)
        if (!faults.isCall(value) || typeof key !== 'string' || key.startsWith('create')) {
          return faults.isCall(value) ? value.bind(object) : value
        }
        return async (...args: unknown[]) => {
          const error = faults.next(prefix + faults.labelOf(key, args))
          if (error !== undefined && key !== 'close') throw error
          const result = await value.apply(object, args)
          if (error !== undefined) throw error
          return key === 'open' ? wrap(result as object, 'handle.') : result
        }
      },
    })
  const files = wrap(actual.default as object, '')
  const named = Object.keys(actual).map((name) => [name, name === 'default' ? files : Reflect.get(files, name)])
  return Object.fromEntries(named) as object
})
vi.mock('node:fs', async (importActual) => {
  const actual = await importActual<Record<string, unknown>>()
  const failing =
    (name: string) =>
    (...args: unknown[]) => {
      const error = faults.next(faults.labelOf(name, args))
      const stream = (actual[name] as Call)(...args) as { destroy(error: Error): unknown }
      if (error !== undefined) setImmediate(() => stream.destroy(error))
      return stream
    }
  return { ...actual, createReadStream: failing('createReadStream'), createWriteStream: failing('createWriteStream') }
})

afterAll(() => {
  vi.doUnmock('node:fs')
  vi.doUnmock('node:fs/promises')
  vi.resetModules()
})

/** After some of the faults only: each takes a whole backup or restore. */
let faultCount = 0
const isSample = () => faultCount++ % 3 === 0

/** Runs work once for each kind of call, which fails; `after` checks what it left. */
async function failEverywhere(
  work: () => Promise<unknown>,
  after: (outcome: { error: unknown; label: string }) => Promise<void>,
): Promise<number> {
  const { state } = faults
  const run = async (at: number) => {
    Object.assign(state, { at, labels: [], failed: undefined, isArmed: true, code: CODES[at % CODES.length] })
    try {
      await work()
      return undefined
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    } finally {
      state.isArmed = false
    }
  }
  expect(await run(Number.POSITIVE_INFINITY)).toBeUndefined()
  const labels = [...state.labels]
  await after({ error: undefined, label: 'none' })
  const kinds = [...new Set(labels)]
  for (const label of kinds) {
    const error = await run(labels.indexOf(label) + 1)
    await after({ error, label })
  }
  return kinds.length
}

describe('while one call after the other fails', () => {
  let dir: string
  const created: Awaited<ReturnType<typeof createEmptyDatabase>>[] = []
  /** What is backed up, and what is restored into. */
  let source: Database<unknown>
  let target: Database<unknown>
  let proxy: FaultyDatabase
  let [sourceUrl, targetUrl] = ['', '']
  let from: string
  let env: Record<string, string>
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-backup-faults-'))
    created.push(await createEmptyDatabase(), await createEmptyDatabase())
    proxy = await startFaultyDatabase()
    ;[sourceUrl = '', targetUrl = ''] = created.map(({ url }) => url)
    source = await openDatabase({ url: sourceUrl, schema: 'checks', migrations: {} })
    target = await openDatabase({ url: targetUrl, schema: 'checks', migrations: {} })
    const [release] = (await readdir(RELEASES, { withFileTypes: true })).filter((entry) => entry.isDirectory())
    from = join(RELEASES, release?.name ?? '')
    env = { DATABASE_URL: sourceUrl, STORAGE_DIR: join(dir, 'source-store') }
    await restoreBackup({ from, dataDir: join(dir, 'source'), env, ...quiet })
  })
  afterAll(async () => {
    await source.close()
    await target.close()
    await proxy.close()
    for (const database of created) await database.drop()
    await rm(dir, { recursive: true, force: true })
  })

  /** The rows of each table. */
  async function rowsOf(of: Database<unknown>): Promise<Record<string, number>> {
    const text = `select format('%I.%I', schemaname, tablename) as name,
        (xpath('/row/c/text()', query_to_xml(format('select count(*) as c from %I.%I', schemaname, tablename), false, true, '')))[1]::text as rows
      from pg_tables where schemaname in ('identity', 'registry', 'runner') and tablename not like 'kysely%'`
    const rows = await of.query<{ name: string; rows: string }>({ name: 'rows', text }, [])
    return Object.fromEntries(rows.map((row) => [row.name, Number(row.rows)]))
  }
  async function empty(of: Database<unknown>): Promise<void> {
    for (const schema of Object.keys(MIGRATIONS))
      await of.query({ name: `drop ${schema}`, text: `drop schema if exists ${schema} cascade` }, [])
  }
  const filesOf = async (folder: string) =>
    (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile())

  it('a backup is complete, or is none, and the next one succeeds', async () => {
    const to = join(dir, 'backup')
    const backup = (DATABASE_URL = sourceUrl) =>
      createBackup({ dataDir: join(dir, 'source'), to, env: { ...env, DATABASE_URL }, ...quiet })
    const whole = await backup()
    await rm(to, { recursive: true })
    const check = async ({ error, label }: { error: unknown; label: string }) => {
      // After the last call that can fail, the folder has its name, and only its durability is not known.
      if (error === undefined || existsSync(to)) {
        const { objects, files } = await openBackup(to)
        expect({ label, ...objects, files: files.length }).toEqual({
          label,
          ...whole.objects,
          files: whole.files.length,
        })
      }
      await rm(to, { recursive: true, force: true })
      if (error === undefined || !isSample()) return
      expect((await backup()).objects).toEqual(whole.objects)
      expect(existsSync(`${to}.partial`)).toBe(false)
      await rm(to, { recursive: true })
    }
    expect(await failEverywhere(backup, check)).toBeGreaterThan(20)
    await loseConnections(() => backup(throughProxy(sourceUrl)), check)
  }, 600_000)

  it('a restore is complete, or leaves everything empty, and the next one succeeds', async () => {
    const dataDir = join(dir, 'draft-target')
    const store = join(dir, 'store')
    const restore = (url = targetUrl) =>
      restoreBackup({ from, dataDir, env: { DATABASE_URL: url, STORAGE_DIR: store }, ...quiet })
    const rows = await rowsOf(source)
    const objects = (await filesOf(join(dir, 'source-store'))).length
    const isWhole = async (label: string) => {
      expect({ label, ...(await rowsOf(target)) }).toEqual({ label, ...rows })
      expect({ label, objects: (await filesOf(store)).length }).toEqual({ label, objects })
      await empty(target)
      await rm(dataDir, { recursive: true, force: true })
      await rm(store, { recursive: true, force: true })
    }
    const check = async ({ error, label }: { error: unknown; label: string }) => {
      const named = /rename (\S+) to (\S+) /.exec(String(error))
      if (named !== null) await rename(named[1] ?? '', named[2] ?? '')
      if (error === undefined || named !== null) return await isWhole(label)
      expect({ label, exists: existsSync(dataDir) }).toEqual({ label, exists: false })
      if (!String(error).includes('Restore again')) {
        expect({ label, rows: await rowsOf(target) }).toEqual({ label, rows: {} })
        expect({ label, files: await filesOf(store) }).toEqual({ label, files: [] })
      }
      // A restore that could not tidy up is left to the next one.
      if (!isSample() && !String(error).includes('Restore again')) return
      await restore()
      await isWhole(label)
    }
    expect(await failEverywhere(restore, check)).toBeGreaterThan(20)
    await loseConnections(() => restore(throughProxy(targetUrl)), check)
  }, 600_000)

  /** The same database, whose connection can be lost. */
  function throughProxy(url: string): string {
    const result = new URL(proxy.url)
    result.pathname = new URL(url).pathname
    return result.href
  }

  /** Loses the connection at some statements from the first to the last; `after` checks what that left. */
  async function loseConnections(
    work: () => Promise<unknown>,
    after: (outcome: { error: unknown; label: string }) => Promise<void>,
  ): Promise<void> {
    const before = proxy.statements()
    await work()
    const count = proxy.statements() - before
    await after({ error: undefined, label: 'none' })
    const calls = Array.from({ length: STATEMENTS }, (_, sample) =>
      Math.floor(1 + (sample * (count - 1)) / (STATEMENTS - 1)),
    )
    // The last but one of a restore makes the database complete.
    for (const [sample, call] of [...calls, count - 1].entries()) {
      const fault = sample % 2 === 0 ? 'before' : 'after'
      proxy.arm(call, fault)
      const error: unknown = await work().then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      proxy.disarm()
      await after({ error, label: `${fault} statement ${call} of ${count}` })
    }
  }

  /** Runs a command as a person would, and kills it as soon as `when` is true. */
  async function killed(command: string, args: string[], more: object, when: () => Promise<boolean>): Promise<void> {
    const child: ChildProcess = spawn(
      process.execPath,
      ['--conditions=trainyard-source', join(ROOT, 'scripts', `${command}.ts`), ...args],
      { env: { ...process.env, ...more }, stdio: 'ignore' },
    )
    const exited = once(child, 'exit')
    for (let isDue = false; !isDue && child.exitCode === null; ) isDue = await when()
    child.kill('SIGKILL')
    expect(await exited).toEqual([null, 'SIGKILL'])
  }

  it('a restore that was killed is refused by the servers, and the next one succeeds', async () => {
    const dataDir = join(dir, 'killed')
    const more = { DATABASE_URL: targetUrl, STORAGE_DIR: join(dir, 'killed-store') }
    const hasTables = async () =>
      Object.keys(await rowsOf(target)).some((name) => name === 'identity.restore_unfinished')
    await killed('restore', ['--from', from, '--data', dataDir], more, hasTables)
    expect(existsSync(dataDir)).toBe(false)
    await expect(
      openDatabase({ url: targetUrl, schema: 'identity', migrations: MIGRATIONS.identity ?? {} }),
    ).rejects.toThrow('has not finished')
    await restoreBackup({ from, dataDir, env: more, ...quiet })
    expect(await rowsOf(target)).toEqual(await rowsOf(source))
    await empty(target)
  })

  it('a backup that was killed is none, and the next one removes what it left', async () => {
    const to = join(dir, 'killed-backup')
    const args = ['--to', to, '--data', join(dir, 'source')]
    await killed('backup', args, env, async () => (await filesOf(`${to}.partial`)).length > 0)
    expect(existsSync(to)).toBe(false)
    await expect(openBackup(`${to}.partial`)).rejects.toThrow('is not a backup')
    await createBackup({ dataDir: join(dir, 'source'), to, env, ...quiet })
    expect(existsSync(`${to}.partial`)).toBe(false)
  })
})
