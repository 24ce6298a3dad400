import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Job, LiveMessage, Problem } from '@trainyard/contract'
import {
  DEFAULT_AUTH,
  type EmbeddedPostgres,
  LOCAL_ACCOUNT_ID,
  type SupervisedPostgres,
  startEmbeddedPostgres,
  superviseEmbeddedPostgres,
} from '@trainyard/platform'
import { openApiRoutes } from '@trainyard/platform/testing'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runnerOpenApi } from '../app.ts'
import { type Harness, isOver, noLauncher, startHarness } from '../testing/harness.ts'

const EPOCHS = 30
const CONFIG = { epochs: EPOCHS, epoch_ms: 100 }
const isTraining = (job: Job) => (job.progress?.epoch ?? 0) >= 5

describe('a job whose database dies', () => {
  let dataDir: string
  const cleanups: (() => Promise<unknown>)[] = []
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'trainyard-postgres-test-'))
    cleanups.push(() => rm(dataDir, { recursive: true, force: true }))
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function supervised(): Promise<SupervisedPostgres> {
    const postgres = await superviseEmbeddedPostgres({ dataDir })
    cleanups.push(() => postgres.stop())
    return postgres
  }

  async function harnessOf(databaseUrl: string, options: Partial<Parameters<typeof startHarness>[0]> = {}) {
    const harness = await startHarness({ ...options, config: { ...options.config, databaseUrl } })
    cleanups.push(() => harness.close())
    return harness
  }

  it('goes on after kill -9 of the server and of a backend, with a complete journal and an open live stream', async () => {
    const postgres = await supervised()
    const harness = await harnessOf(postgres.url, { start: true })
    const { id } = await harness.createJob({ config: CONFIG })
    await harness.waitFor(id, isTraining)
    const live = readLive(harness, id)
    await sleep(100)

    const before = postgres.pid
    process.kill(postgres.pid, 'SIGKILL')
    await waitForDatabase(harness, () => postgres.pid !== before)
    const { db } = harness.runner.context.database
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
    process.kill(rows[0]?.pid ?? 0, 'SIGKILL')
    await waitForDatabase(harness)

    const job = await waitUntilOver(harness, id)
    expect(job).toMatchObject({ state: 'succeeded', attempt: 1 })
    expect(await epochsOf(harness, id)).toEqual(Array.from({ length: EPOCHS }, (_, index) => index + 1))
    const messages = await live
    expect(messages.at(-1)).toMatchObject({ type: 'job', job: { state: 'succeeded' } })
  })

  it('goes on after its external database was stopped, was down, and was started again', async () => {
    const first = await startEmbeddedPostgres({ dataDir })
    let current: EmbeddedPostgres = first
    cleanups.push(() => current.stop())
    const harness = await harnessOf(first.url, { start: true })
    const { id } = await harness.createJob({ config: CONFIG })
    await harness.waitFor(id, isTraining)
    await first.stop()
    expect((await harness.request(`/v1/jobs/${id}`)).status).toBe(503)
    await sleep(1000)
    current = await startEmbeddedPostgres({ dataDir, port: first.port })
    expect(await waitUntilOver(harness, id)).toMatchObject({ state: 'succeeded', attempt: 1 })
    expect(await epochsOf(harness, id)).toEqual(Array.from({ length: EPOCHS }, (_, index) => index + 1))
  })

  it.each(['local', 'required'] as const)(
    'answers every route that needs it with 503 and Retry-After (AUTH=%s)',
    async (mode) => {
      const postgres = await startEmbeddedPostgres({ dataDir })
      cleanups.push(() => postgres.stop())
      const harness = await harnessOf(postgres.url, {
        runner: { launcher: noLauncher },
        config: { auth: { ...DEFAULT_AUTH, mode } },
      })
      const job = await harness.runner.context.tokens.issue({ jobId: 1, attempt: 1 })
      const { secret: person } = await harness.runner.context.identity.createToken({
        owner: LOCAL_ACCOUNT_ID,
        accountId: LOCAL_ACCOUNT_ID,
        name: 'test',
        scopes: ['admin:*'],
      })
      await postgres.stop()

      const refused: string[] = []
      for (const { name, method, path, security } of openApiRoutes(runnerOpenApi())) {
        const secret = security.includes('jobToken') ? job.value : person
        const response = await harness.request(path.replace(/\{[^}]+\}/g, '1'), {
          method,
          headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
          body: ['GET', 'DELETE'].includes(method) ? null : JSON.stringify(BODIES[name] ?? {}),
        })
        if (NEEDS_NO_DATABASE.includes(name)) expect(response.status, name).toBe(200)
        // A request that is not valid is refused as such.
        else if (response.status === 400 || response.status === 422) refused.push(`${name}: ${await response.text()}`)
        else await expectUnavailable(response, name)
      }
      expect(refused).toEqual([])
      await expectUnavailable(await harness.request('/readyz'), '/readyz')
      expect((await harness.request('/healthz')).status).toBe(200)
    },
  )
})

const NEEDS_NO_DATABASE = ['GET /.well-known/jwks.json']
const PASSWORD = 'correct horse battery'
/** Valid bodies, so that a request reaches the database. */
const BODIES: Record<string, unknown> = {
  'POST /v1/jobs/{id}/events': { attempt: 1, events: [{ seq: 1, time: '2026-01-01T00:00:00Z', type: 'started' }] },
  'POST /v1/jobs/{id}/artifacts': {
    kind: 'checkpoint',
    name: 'weights.bin',
    sizeBytes: 1,
    sha256: 'a'.repeat(64),
    contentType: 'application/octet-stream',
  },
  'POST /v1/accounts/invitations': { email: 'ada@red.test' },
  'POST /v1/sessions/codes/redeem': { secret: 'ty_none' },
  'POST /v1/accounts': { email: 'ada@red.test', password: PASSWORD },
  'POST /v1/sessions': { email: 'ada@red.test', password: PASSWORD },
  'POST /v1/me/password': { currentPassword: PASSWORD, newPassword: `another ${PASSWORD}` },
  'POST /v1/accounts/password-resets': { email: 'ada@red.test' },
  'POST /v1/accounts/password-resets/redeem': { secret: `ty_reset_${'a'.repeat(43)}`, newPassword: PASSWORD },
  'POST /v1/organisations': { slug: 'purple' },
  'POST /v1/organisations/{organisation}/members': { email: 'bob@blue.test', role: 'viewer' },
  'POST /v1/organisations/{organisation}/invitations/redeem': { secret: 'ty_none' },
  'POST /v1/organisations/{organisation}/projects': { slug: 'purple' },
  'POST /v1/tokens': { name: 'more', scopes: ['jobs:read'] },
}

async function expectUnavailable(response: Response, name: string): Promise<void> {
  const { status, headers } = response
  expect({ status, retryAfter: headers.get('retry-after') }, name).toEqual({ status: 503, retryAfter: '2' })
  expect(headers.get('content-type'), name).toBe('application/problem+json')
  expect(Problem.parse(await response.json()), name).toMatchObject({ code: 'unavailable', retryable: true })
}

/** Every answer meanwhile must be 200 or 503. */
async function waitForDatabase(harness: Harness, condition = () => true): Promise<void> {
  const endsAt = performance.now() + 30_000
  for (let answers = 0; answers < 3 || !condition(); ) {
    const response = await harness.request('/v1/jobs')
    if (response.status === 200) answers++
    else await expectUnavailable(response, 'GET /v1/jobs')
    if (performance.now() > endsAt) throw new Error('the database did not come back')
    await sleep(20)
  }
}

async function waitUntilOver(harness: Harness, id: number): Promise<Job> {
  for (;;) {
    const response = await harness.request(`/v1/jobs/${id}`)
    if (response.status === 200) {
      const job = (await response.json()) as Job
      if (isOver(job)) return job
    }
    await sleep(50)
  }
}

async function epochsOf(harness: Harness, id: number): Promise<number[]> {
  const { events } = (await (await harness.request(`/v1/jobs/${id}/events?limit=1000`)).json()) as {
    events: { seq: number; type: string; body: { epoch?: number } }[]
  }
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
  return events.flatMap(({ type, body }) => (type === 'progress' ? [body.epoch ?? 0] : []))
}

/** The messages of one connection, which stays open until the job has ended. */
async function readLive(harness: Harness, id: number): Promise<LiveMessage[]> {
  const response = await harness.request(`/v1/jobs/${id}/live`)
  const text = await response.text()
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? [LiveMessage.parse(JSON.parse(line.slice(6)))] : []))
}
