import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type CreateJobInput, Job } from '@trainyard/contract'
import { createFolderStore, createLogger, DEFAULT_PROJECT_ID, listen, type UpgradeHandler } from '@trainyard/platform'
import { dropTestSchemas, testDatabaseUrl } from '@trainyard/platform/testing'
import type { RunnerConfig } from '../config.ts'
import { type CreateRunnerOptions, createRunner, type Runner } from '../create-runner.ts'
import type { Launcher } from '../launchers/launcher.ts'
import { createFolderTrainerSource } from '../trainers/folder-source.ts'

export const PLAIN_TRAINER_DIR = fileURLToPath(new URL('../../fixtures/plain-trainer', import.meta.url))
export const TEST_SECRET = 'a secret for tests that is long enough'

export interface Harness {
  runner: Runner
  url: string
  config: RunnerConfig
  /** A registered dataset of classification. */
  datasetId: string
  request(path: string, init?: RequestInit): Promise<Response>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  createJob(input?: Partial<CreateJobInput>): Promise<Job>
  getJob(id: number): Promise<Job>
  waitFor(id: number, until: (job: Job) => boolean, timeoutMs?: number): Promise<Job>
  close(): Promise<void>
}

export interface HarnessOptions {
  config?: Partial<RunnerConfig>
  runner?: Partial<CreateRunnerOptions>
  /** Sets the supervisor to work. Default: false. */
  start?: boolean
  /** The address to listen on: containers do not reach the default, loopback. */
  host?: string
}

/** A launcher for tests in which nothing is to be started. */
export const noLauncher: Launcher = {
  name: 'none',
  runs: 'folder',
  host: 'nowhere',
  capabilities: { gpu: false, memoryLimit: false, networkPolicy: false, imagePull: false },
  launch: async () => {},
  observe: async () => ({ state: 'absent' }),
  stop: async () => {},
  logs: async (_ref, position) => ({ lines: [], position }),
  async *list() {},
  remove: async () => {},
}

/** Nothing is started, and everything runs for ever: trainers that a test plays. */
export const playedLauncher: Launcher = { ...noLauncher, observe: async () => ({ state: 'running' }) }

/** A whole runner with real PostgreSQL, files, HTTP and, once started, processes. */
export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-runner-'))
  const logger = createLogger({ name: 'test', level: process.env.TEST_LOG_LEVEL ?? 'silent' })
  let answer: (request: Request) => Response | Promise<Response> = () => new Response('starting', { status: 503 })
  let upgrade: UpgradeHandler = (_request, socket) => socket.destroy()
  const server = await listen(
    { fetch: (request) => answer(request) },
    {
      port: 0,
      drainMs: 50,
      upgrade: (...wish) => upgrade(...wish),
      ...(options.host === undefined ? {} : { host: options.host }),
    },
  )
  const store = createFolderStore({ dir: join(dir, 'store'), publicUrl: server.url, secret: TEST_SECRET })
  const databaseSchema = `runner_${randomBytes(6).toString('hex')}`
  const config: RunnerConfig = {
    publicUrl: server.url,
    databaseUrl: testDatabaseUrl(),
    databaseSchema,
    identitySchemaPrefix: `${databaseSchema}_`,
    dataDir: join(dir, 'data'),
    heartbeatSeconds: 1,
    heartbeatTimeoutSeconds: 20,
    startTimeoutSeconds: 20,
    cancelGraceSeconds: 3,
    maxConcurrentJobs: 4,
    datasetCacheMaxGb: 1,
    ...options.config,
    limits: { reconcileIntervalMs: 50, retryBackoffSeconds: 0.02, ...options.config?.limits },
  }
  const trainers = createFolderTrainerSource(PLAIN_TRAINER_DIR)
  const runner = await createRunner({ config, store, logger, trainers, ...options.runner })
  answer = (request) =>
    new URL(request.url).pathname.startsWith('/storage/') ? store.app.fetch(request) : runner.app.fetch(request)
  upgrade = runner.upgrade
  if (options.start) await runner.start()
  const datasetId = await insertDataset(runner)

  const request = async (path: string, init?: RequestInit) => await runner.app.request(path, init)
  const harness: Harness = {
    runner,
    url: server.url,
    config,
    datasetId,
    request,
    post: (path, body, headers = {}) =>
      request(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    async createJob(input = {}) {
      const response = await harness.post('/v1/jobs', { trainer: 'acme/plain', dataset: datasetId, ...input })
      if (response.status !== 201) throw new Error(`job not created: ${await response.text()}`)
      return Job.parse(await response.json())
    },
    async getJob(id) {
      return Job.parse(await (await request(`/v1/jobs/${id}`)).json())
    },
    async waitFor(id, until, timeoutMs = 90_000) {
      const endsAt = performance.now() + timeoutMs
      for (;;) {
        const job = await harness.getJob(id)
        if (until(job)) return job
        if (performance.now() > endsAt) throw new Error(`waited in vain; the job is ${JSON.stringify(job)}`)
        await sleep(25)
      }
    },
    async close() {
      await server.close()
      await runner.stop().catch(() => {})
      await dropTestSchemas(runner.context.identity.schema, config.databaseSchema)
      // A runner leaves its trainers running; a test must not.
      for await (const ref of runner.context.launcher.list()) await runner.context.launcher.remove(ref)
      await rm(dir, { recursive: true, force: true })
    },
  }
  return harness
}

export const isOver = (job: Job) => ['succeeded', 'failed', 'cancelled'].includes(job.state)

/** Registered without an upload: what is inside does not matter to these tests. */
async function insertDataset(runner: Runner): Promise<string> {
  await runner.context.database.db
    .insertInto('datasets')
    .values({
      id: 'ds_test',
      project_id: DEFAULT_PROJECT_ID,
      name: 'shapes',
      format: 'imagefolder',
      task_type: 'classification',
      classes: '[{"id":0,"name":"circle"}]',
      counts: '{"images":0,"labelled":0,"annotations":0,"splits":{"train":0,"val":0,"test":0}}',
      size_bytes: 0,
      version_hash: 'a'.repeat(64),
    })
    .execute()
  return 'ds_test'
}

/** Starts an attempt without a process and gives what its trainer would have. */
export async function openJournal(harness: Harness, input: Partial<CreateJobInput> = {}) {
  const job = await harness.createJob(input)
  return await journalOf(harness, job.id, 1)
}

export async function journalOf(harness: Harness, jobId: number, attempt: number) {
  const { value: token } = await harness.runner.context.tokens.issue({ jobId, attempt })
  const authorization = `Bearer ${token}`
  return {
    jobId,
    authorization,
    /** Posts events, numbered from `first`. */
    send: (first: number, events: Record<string, unknown>[]) =>
      harness.post(
        `/v1/jobs/${jobId}/events`,
        {
          attempt,
          events: events.map((event, index) => ({ seq: first + index, time: new Date().toISOString(), ...event })),
        },
        { authorization },
      ),
    post: (path: string, body: unknown) => harness.post(`/v1/jobs/${jobId}${path}`, body, { authorization }),
    get: (path: string) => harness.request(`/v1/jobs/${jobId}${path}`, { headers: { authorization } }),
  }
}
