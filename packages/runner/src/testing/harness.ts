import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type CreateJobInput, Job } from '@trainyard/contract'
import { createFolderStore, createLogger, DEFAULT_PROJECT_ID, listen, type UpgradeHandler } from '@trainyard/platform'
import { asLocalOwner, asLocalOwnerOfSockets, dropTestSchemas, testDatabaseUrl } from '@trainyard/platform/testing'
import type { RunnerConfig } from '../config.ts'
import { type CreateRunnerOptions, createRunner, type Runner } from '../create-runner.ts'
import type { Launcher } from '../launchers/launcher.ts'
import { createFolderTrainerSource } from '../trainers/folder-source.ts'
import { testOrchestrator } from './test-orchestrator.ts'

export const PLAIN_TRAINER_DIR = fileURLToPath(new URL('../../fixtures/plain-trainer', import.meta.url))
export const TEST_SECRET = 'a secret for tests that is long enough'

export interface Harness {
  runner: Runner
  url: string
  config: RunnerConfig
  /** A registered classification dataset. */
  datasetId: string
  request(path: string, init?: RequestInit): Promise<Response>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  createJob(input?: Partial<CreateJobInput>): Promise<Job>
  getJob(id: number): Promise<Job>
  waitFor(id: number, until: (job: Job) => boolean, timeoutMs?: number): Promise<Job>
  close(): Promise<void>
}

export interface HarnessOptions {
  config?: Partial<RunnerConfig> | undefined
  runner?: Partial<CreateRunnerOptions> | undefined
  /** Starts the supervisor. Default: false. */
  start?: boolean | undefined
  /** The address to listen on. Default: loopback, which containers cannot reach. */
  host?: string | undefined
}

/** A launcher that starts nothing. */
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

/** A launcher that starts nothing and reports every attempt as running, for tests that send the trainer's requests. */
export const playedLauncher: Launcher = { ...noLauncher, observe: async () => ({ state: 'running' }) }

/** A complete runner with a real PostgreSQL, files, HTTP and, if started, processes. */
export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const dir = await mkdtemp(join(tmpdir(), 'trainyard-runner-'))
  const logger = createLogger({ name: 'test', level: process.env.TEST_LOG_LEVEL ?? 'silent' })
  let handle: (request: Request) => Response | Promise<Response> = () => new Response('starting', { status: 503 })
  let upgrade: UpgradeHandler = (_request, socket) => socket.destroy()
  const server = await listen(
    { fetch: (request) => handle(request) },
    {
      port: 0,
      drainMs: 50,
      upgrade: (...args) => upgrade(...args),
      host: options.host,
      // Benches watch a thousand jobs from one address.
      limits: { maxConnectionsPerAddress: 10_000 },
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
    ...testOrchestrator(),
    ...options.config,
    limits: { reconcileIntervalMs: 50, retryBackoffSeconds: 0.02, ...options.config?.limits },
  }
  const trainers = createFolderTrainerSource(PLAIN_TRAINER_DIR)
  const runner = await createRunner({ config, store, logger, trainers, ...options.runner })
  // Without accounts, requests that name no caller are the local owner's.
  const isLocal = config.auth === undefined || config.auth.mode === 'local'
  const owner = isLocal ? await runner.context.identity.createOwnerToken('test') : undefined
  const handleApp = (request: Request) => runner.app.fetch(request)
  const app = owner === undefined ? handleApp : asLocalOwner(handleApp, owner)
  handle = (request) =>
    new URL(request.url).pathname.startsWith('/storage/') ? store.app.fetch(request) : app(request)
  upgrade = owner === undefined ? runner.upgrade : asLocalOwnerOfSockets(runner.upgrade, owner)
  if (options.start) await runner.start()
  const datasetId = await insertDataset(runner)

  const request = async (path: string, init?: RequestInit) => await app(new Request(`http://localhost${path}`, init))
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
      if (response.status !== 201) throw new Error(`could not create a job: ${await response.text()}`)
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
        if (performance.now() > endsAt) throw new Error(`timed out waiting for the job ${JSON.stringify(job)}`)
        await sleep(25)
      }
    },
    async close() {
      await server.close()
      await runner.stop().catch(() => {})
      await dropTestSchemas(runner.context.identity.schema, config.databaseSchema)
      // Trainers outlive the runner, but must not outlive the test.
      for await (const ref of runner.context.launcher.list()) await runner.context.launcher.remove(ref)
      await rm(dir, { recursive: true, force: true })
    },
  }
  return harness
}

export const isOver = (job: Job) => ['succeeded', 'failed', 'cancelled'].includes(job.state)

/** Registers a dataset without files. */
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
    // A restored database has it.
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return 'ds_test'
}

/** Creates a job and returns functions that send its trainer's requests. */
export async function openJournal(harness: Harness, input: Partial<CreateJobInput> = {}) {
  const job = await harness.createJob(input)
  return await journalOf(harness, job.id, 1)
}

/** Functions that send the requests of an attempt's trainer. */
export async function journalOf(harness: Harness, jobId: number, attempt: number) {
  const { value: token } = await harness.runner.context.tokens.issue({ jobId, attempt })
  const authorization = `Bearer ${token}`
  return {
    jobId,
    authorization,
    /** Sends events with sequence numbers from `first` on. */
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
