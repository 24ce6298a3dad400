import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Job, type ResolvedTrainer, TrainerManifest } from '@trainyard/contract'
import { type Database, openDatabase } from '@trainyard/platform'
import { testDatabaseUrl } from '@trainyard/platform/testing'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { runnerMigrations } from '../../db/migrations/index.ts'
import type { RunnerDatabase } from '../../db/schema/index.ts'
import { isOver, startHarness } from '../../testing/harness.ts'
import { connectEngine, ignoring, readEngineInfo } from './engine.ts'
import { listLeftovers } from './testing/list-leftovers.ts'
import type { RunnerProcessSettings } from './testing/runner-process.ts'

const docker = connectEngine()
const image = await docker
  .getImage('node:24-bookworm-slim')
  .inspect()
  .catch(() => undefined)
const host = image && (await readEngineInfo(docker, undefined)).gateway
if (image === undefined || host === undefined)
  console.warn(
    'SKIPPED: leftovers in the engine. It needs a Docker engine on this machine that has the image node:24-bookworm-slim',
  )

/** Reports that it has started. With one epoch it then reports its end and exits a second later, otherwise it keeps running. */
const PROGRAM = `
const { CALLBACK_URL, CALLBACK_TOKEN_FILE, JOB_ATTEMPT, EPOCHS } = process.env
const token = require('fs').readFileSync(CALLBACK_TOKEN_FILE, 'utf8')
const headers = { authorization: 'Bearer ' + token, 'content-type': 'application/json' }
const post = (events) => fetch(CALLBACK_URL + '/events', { method: 'POST', headers, body: JSON.stringify({ attempt: Number(JOB_ATTEMPT), events }) })
  // The runner may have been killed.
  .then((answer) => { if (answer.status >= 500) throw answer }).catch(() => setTimeout(post, 100, events))
const event = (seq, body) => ({ seq, time: new Date().toISOString(), ...body })
const result = { operation: 'train', metrics: {}, bestEpoch: 1, checkpoints: [] }
post([event(1, { type: 'started' }), ...(EPOCHS === '1' ? [event(2, { type: 'completed', result })] : [])])
setTimeout(() => {}, EPOCHS === '1' ? 1000 : 600_000)`

function trainer(): ResolvedTrainer {
  const digest = image?.Id ?? ''
  const manifest = TrainerManifest.parse({
    name: 'acme/stays',
    version: '1.0.0',
    displayName: 'Stays',
    description: 'Stays',
    license: 'Apache-2.0',
    authors: ['Trainyard'],
    contract: '1',
    framework: 'none',
    taskTypes: ['classification'],
    entrypoints: { train: ['node', '-e', PROGRAM] },
    models: [{ name: 'tiny', taskTypes: ['classification'] }],
    datasetFormats: ['imagefolder'],
    metrics: { primary: { classification: { name: 'accuracy', goal: 'maximize' } } },
    config: { type: 'object', properties: { epochs: { type: 'integer' } } },
  })
  return { name: manifest.name, version: manifest.version, digest, manifest, image: { reference: digest, digest } }
}

const instanceOf = async (database: Pick<Database<RunnerDatabase>, 'db'>): Promise<string> =>
  (await database.db.selectFrom('instance').select('id').executeTakeFirstOrThrow()).id

describe.skipIf(host === undefined)('a runner that waits for the cleanup', () => {
  it('leaves nothing in the engine when it stops right after', async () => {
    const trainers = { resolve: async () => trainer(), fetchBundle: async () => ({ dir: '' }) }
    const config = { launcher: 'docker' as const, limits: { reconcileIntervalMs: 1000 } }
    const harness = await startHarness({ start: true, host: host ?? '', config, runner: { trainers } })
    const instanceId = await instanceOf(harness.runner.context.database)
    try {
      const { id } = await harness.createJob({ trainer: 'acme/stays', config: { epochs: 1 } })
      const job = await harness.waitFor(id, isOver)
      expect(job).toMatchObject({ state: 'succeeded' })
      // The job has ended, but its container is still being removed.
      expect(await listLeftovers(docker, instanceId)).not.toEqual([])
      expect(await harness.runner.awaitCleanup(60_000)).toEqual([])
      expect(await listLeftovers(docker, instanceId)).toEqual([])
    } finally {
      await harness.close()
    }
  })
})

describe.skipIf(host === undefined)('after kill -9 of a runner', () => {
  const script = fileURLToPath(new URL('testing/runner-process.ts', import.meta.url))
  const databaseSchema = `runner_${randomBytes(6).toString('hex')}`
  let dir: string
  let database: Database<RunnerDatabase>
  let instanceId: string
  let runner: ChildProcess | undefined
  let url = ''
  let port = 0

  async function startRunner(): Promise<void> {
    const databaseUrl = testDatabaseUrl()
    const settings: RunnerProcessSettings = {
      host: host ?? '',
      port,
      databaseUrl,
      databaseSchema,
      dir,
      trainer: trainer(),
    }
    const args = ['--conditions=trainyard-source', script, JSON.stringify(settings)]
    runner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    if (runner.stdout === null) throw new Error('no stdout')
    const [line] = await once(createInterface(runner.stdout), 'line')
    const [address = '', number] = String(line).split(' ')
    url = address
    port = Number(number)
  }
  async function killRunner(): Promise<void> {
    if (runner === undefined) return
    const exited = once(runner, 'exit')
    runner.kill('SIGKILL')
    await exited
    runner = undefined
  }
  async function createJob(): Promise<number> {
    const response = await fetch(`${url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ trainer: 'acme/stays', dataset: 'ds_test', config: { epochs: 5 } }),
    })
    return Job.parse(await response.json()).id
  }
  const getJob = async (id: number): Promise<Job> => Job.parse(await (await fetch(`${url}/v1/jobs/${id}`)).json())
  const isClean = async (id: number): Promise<boolean> => {
    const attempts = await database.db.selectFrom('attempts').select('cleaned_at').where('job_id', '=', id).execute()
    return attempts.every((attempt) => attempt.cleaned_at !== null)
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-leftovers-'))
    await startRunner()
    database = await openDatabase<RunnerDatabase>({
      url: testDatabaseUrl(),
      schema: databaseSchema,
      migrations: runnerMigrations,
    })
    instanceId = await instanceOf(database)
    await sql`
      insert into datasets (id, project_id, name, format, task_type, classes, counts, size_bytes, version_hash)
      values ('ds_test', 'prj_default', 'shapes', 'imagefolder', 'classification', '[]', '{}', 0, ${'a'.repeat(64)})`.execute(
      database.db,
    )
  })
  afterEach(async () => {
    if (runner === undefined) await startRunner()
  })
  afterAll(async () => {
    await killRunner()
    for (const schema of [`${databaseSchema}_identity`, databaseSchema])
      await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(database.db)
    await database.close()
    await rm(dir, { recursive: true, force: true })
  })

  // Before the launch, while network and container are created, at the start, and while the trainer runs.
  it.each([20, 250, 500, 1000])(
    '%i ms after a job was created, the next runner runs it and leaves nothing',
    async (ms) => {
      const id = await createJob()
      await sleep(ms)
      await killRunner()
      await startRunner()
      await expect.poll(async () => (await getJob(id)).state, { timeout: 60_000 }).toBe('running')
      expect((await listLeftovers(docker, instanceId)).map((text) => text.split(' ')[0])).toEqual([
        'container',
        'network',
        'volume',
      ])
      expect(await getJob(id)).toMatchObject({ attempt: 1 })
      await fetch(`${url}/v1/jobs/${id}/cancel`, { method: 'POST' })
      await expect.poll(() => isClean(id), { timeout: 60_000 }).toBe(true)
      expect(await listLeftovers(docker, instanceId)).toEqual([])
    },
  )

  it.each([50, 300])('%i ms after a removal began, the next runner completes it', async (ms) => {
    const id = await createJob()
    await expect.poll(async () => (await getJob(id)).state, { timeout: 60_000 }).toBe('running')
    const name = `trainyard-${id}-1-${instanceId.slice(0, 8)}`
    await fetch(`${url}/v1/jobs/${id}/cancel`, { method: 'POST' })
    // The program does not exit on SIGTERM, so it ends with SIGKILL after the grace period.
    const isRunning = async () => {
      const inspected = await ignoring([404], docker.getContainer(name).inspect())
      return inspected?.State.Status === 'running'
    }
    await expect.poll(isRunning, { timeout: 60_000, interval: 20 }).toBe(false)
    await sleep(ms)
    await killRunner()
    await startRunner()
    await expect.poll(() => isClean(id), { timeout: 60_000 }).toBe(true)
    expect(await listLeftovers(docker, instanceId)).toEqual([])
  })

  it('the next runner removes what belongs to no job', async () => {
    const id = await createJob()
    await expect.poll(async () => (await getJob(id)).state, { timeout: 60_000 }).toBe('running')
    await killRunner()
    await sql`delete from jobs where id = ${id}`.execute(database.db)
    expect(await listLeftovers(docker, instanceId)).toHaveLength(3)
    await startRunner()
    expect(await listLeftovers(docker, instanceId)).toEqual([])
  })
})
