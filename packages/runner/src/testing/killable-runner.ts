import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Job } from '@trainyard/contract'
import { openDatabase } from '@trainyard/platform'
import { testDatabaseUrl } from '@trainyard/platform/testing'
import { sql } from 'kysely'
import type { RunnerProcessSettings } from './runner-process.ts'

const SCRIPT = fileURLToPath(new URL('./runner-process.ts', import.meta.url))

/** A runner in a process of its own. Its schema and folder outlive it. */
export interface KillableRunner {
  readonly url: string
  /** The folder of its data. */
  readonly dir: string
  /** The standard error of all its processes. */
  readonly log: string
  kill(): Promise<void>
  /** Uses the same port, because running trainers keep using it. */
  restart(): Promise<void>
  get(path: string): Promise<unknown>
  createJob(config: Record<string, unknown>): Promise<Job>
  waitFor(id: number, until: (job: Job) => boolean, timeoutMs?: number): Promise<Job>
  close(): Promise<void>
}

export async function startKillableRunner(
  options: Pick<RunnerProcessSettings, 'observability' | 'logLevel'> = {},
): Promise<KillableRunner> {
  const databaseSchema = `runner_${randomBytes(6).toString('hex')}`
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-kill-'))
  let child: ChildProcess | undefined
  let url = ''
  let log = ''

  const start = async (port: number) => {
    const settings: RunnerProcessSettings = { port, databaseUrl: testDatabaseUrl(), databaseSchema, dir, ...options }
    const args = ['--conditions=trainyard-source', SCRIPT, JSON.stringify(settings)]
    const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    started.stderr.on('data', (bytes: Buffer) => {
      log += bytes.toString()
    })
    const exited = once(started, 'exit').then(() => {
      throw new Error(`the runner did not start:\n${log}`)
    })
    const [line] = await Promise.race([once(createInterface(started.stdout), 'line'), exited])
    exited.catch(() => {})
    url = String(line)
  }
  const withDatabase = async (work: (db: Awaited<ReturnType<typeof openDatabase>>['db']) => Promise<unknown>) => {
    const database = await openDatabase({ url: testDatabaseUrl(), schema: `${databaseSchema}_x`, migrations: {} })
    await work(database.db)
    await database.close()
  }

  await start(0)
  // A dataset without files.
  await withDatabase((db) =>
    sql`
      insert into ${sql.id(databaseSchema, 'datasets')}
        (id, project_id, name, format, task_type, classes, counts, size_bytes, version_hash)
      values ('ds_test', 'prj_default', 'shapes', 'imagefolder', 'classification', '[]', '{}', 0, ${'a'.repeat(64)})`.execute(
      db,
    ),
  )

  const runner: KillableRunner = {
    get url() {
      return url
    },
    dir,
    get log() {
      return log
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
    restart: async () => await start(Number(new URL(url).port)),
    get: async (path) => await (await fetch(`${url}${path}`)).json(),
    async createJob(config) {
      const response = await fetch(`${url}/v1/jobs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ trainer: 'acme/plain', dataset: 'ds_test', config }),
      })
      if (response.status !== 201) throw new Error(`could not create a job: ${await response.text()}`)
      return Job.parse(await response.json())
    },
    async waitFor(id, until, timeoutMs = 60_000) {
      const endsAt = performance.now() + timeoutMs
      for (;;) {
        // It does not answer while it is down.
        const body = await runner.get(`/v1/jobs/${id}`).catch(() => undefined)
        const job = body === undefined ? undefined : Job.parse(body)
        if (job !== undefined && until(job)) return job
        if (performance.now() > endsAt) throw new Error(`timed out waiting for the job ${JSON.stringify(job)}`)
        await sleep(25)
      }
    },
    async close() {
      await runner.kill()
      await withDatabase(async (db) => {
        for (const name of [databaseSchema, `${databaseSchema}_identity`, `${databaseSchema}_x`])
          await sql`drop schema if exists ${sql.id(name)} cascade`.execute(db)
      })
      await rm(dir, { recursive: true, force: true, maxRetries: 10 })
    },
  }
  return runner
}
