import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openDatabase, processIdentity } from '@trainyard/platform'
import { testDatabaseUrl } from '@trainyard/platform/testing'
import { Job, LogPage, StoredEventPage } from '@trainyard/sdk/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isOver } from '../testing/harness.ts'

const script = fileURLToPath(new URL('../testing/runner-process.ts', import.meta.url))

describe('a runner that is killed with kill -9', () => {
  const databaseSchema = `runner_${randomBytes(6).toString('hex')}`
  let dir: string
  let runner: ChildProcess
  let url: string

  /** On the same port each time: running trainers know only that one. */
  async function startRunner(port: number): Promise<void> {
    const settings = { port, databaseUrl: testDatabaseUrl(), databaseSchema, dir }
    const args = ['--conditions=trainyard-source', script, JSON.stringify(settings)]
    runner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    if (runner.stdout === null) throw new Error('no stdout')
    const [line] = await once(createInterface(runner.stdout), 'line')
    url = String(line)
  }
  async function killRunner(): Promise<void> {
    const exited = once(runner, 'exit')
    runner.kill('SIGKILL')
    await exited
  }
  const restart = async () => await startRunner(Number(new URL(url).port))
  const get = async (path: string): Promise<unknown> => await (await fetch(`${url}${path}`)).json()

  async function createJob(config: Record<string, unknown>): Promise<Job> {
    const response = await fetch(`${url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ trainer: 'acme/plain', dataset: 'ds_test', config }),
    })
    return Job.parse(await response.json())
  }
  async function waitFor(id: number, until: (job: Job) => boolean): Promise<Job> {
    const endsAt = performance.now() + 15_000
    for (;;) {
      const job = Job.parse(await get(`/v1/jobs/${id}`))
      if (until(job)) return job
      if (performance.now() > endsAt) throw new Error(`waited in vain: ${JSON.stringify(job)}`)
      await sleep(25)
    }
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-kill-'))
    await startRunner(0)
    const database = await openDatabase({ url: testDatabaseUrl(), schema: `${databaseSchema}_x`, migrations: {} })
    await sql`
      insert into ${sql.id(databaseSchema, 'datasets')}
        (id, project_id, name, format, task_type, classes, counts, size_bytes, version_hash)
      values ('ds_test', 'prj_default', 'shapes', 'imagefolder', 'classification', '[]', '{}', 0, ${'a'.repeat(64)})`.execute(
      database.db,
    )
    await database.close()
  })
  afterAll(async () => {
    await killRunner()
    const database = await openDatabase({ url: testDatabaseUrl(), schema: `${databaseSchema}_x`, migrations: {} })
    await sql`drop schema ${sql.id(databaseSchema)} cascade`.execute(database.db)
    await sql`drop schema ${sql.id(`${databaseSchema}_identity`)} cascade`.execute(database.db)
    await sql`drop schema ${sql.id(`${databaseSchema}_x`)} cascade`.execute(database.db)
    await database.close()
    await rm(dir, { recursive: true, force: true })
  })

  it('leaves the trainer running, and the next runner adopts it: every event once, the job succeeds', async () => {
    const created = await createJob({ epochs: 60, epoch_ms: 25 })
    await waitFor(created.id, (job) => (job.progress.epoch ?? 0) >= 5)
    await killRunner()
    await sleep(400)
    await restart()
    const job = await waitFor(created.id, isOver)
    expect(job).toMatchObject({ state: 'succeeded', attempt: 1, progress: { epoch: 60 } })

    const { events } = StoredEventPage.parse(await get(`/v1/jobs/${job.id}/events?limit=1000`))
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1))
    const epochs = events.filter((event) => event.type === 'progress').map((event) => event.body.epoch)
    expect(epochs).toEqual(Array.from({ length: 60 }, (_, index) => index + 1))
    const { lines } = LogPage.parse(await get(`/v1/jobs/${job.id}/logs`))
    expect(lines.filter((line) => line.message.startsWith('plain line'))).toHaveLength(1)
  })

  it('still learns how a trainer ended that exited while no runner was there', async () => {
    const created = await createJob({ epochs: 3, ending: 'hang' })
    await waitFor(created.id, (job) => job.progress.epoch === 3)
    const { events } = StoredEventPage.parse(await get(`/v1/jobs/${created.id}/events?type=started`))
    const pid = Number(events[0]?.body.pid)
    await killRunner()
    process.kill(pid, 'SIGKILL')
    while ((await processIdentity(pid)) !== undefined) await sleep(10)
    await restart()
    const job = await waitFor(created.id, isOver)
    expect(job).toMatchObject({ state: 'failed', endReason: 'training_error' })
    expect(job.error?.message).toContain('SIGKILL')
  })

  it('leaves no attempt’s folder behind', async () => {
    const leftovers = async () => {
      const [instance = ''] = await readdir(join(dir, 'data', 'attempts'))
      return (await readdir(join(dir, 'data', 'attempts', instance))).filter((name) => name.startsWith('trainyard-'))
    }
    await expect.poll(leftovers, { timeout: 60_000 }).toEqual([])
  })
})
