import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createClient, type TrainyardClient } from '@trainyard/client'
import { packFolder } from '@trainyard/client/files'
import {
  type ArtifactList,
  type CreateJobInput,
  isTerminalJobState,
  type Job,
  MANIFEST_FILE_NAME,
  type StoredEvent,
  TrainerManifest,
} from '@trainyard/contract'
import { writeTestDataset } from '@trainyard/datasets'
import { createFaults, type Faults } from './create-faults.ts'
import type { FaultScript } from './fault-script.ts'
import { readEvents } from './read-events.ts'

/** Options of {@link startTestPlatform}. */
export interface StartTestPlatformOptions {
  /** Folder of the trainer, with its `trainer.json`. Default: the current folder. */
  trainerDir?: string | undefined
  /** Folder of a dataset. Default: the dataset of {@link writeTestDataset}. */
  dataset?: string | undefined
  /** Faults of the trainer's requests, as a script or as its seed. Default: none. */
  faults?: FaultScript | { seed: number } | undefined
  /** Default: `DATABASE_URL`. Without it a PostgreSQL is started, which takes a second. */
  databaseUrl?: string | undefined
  /** Time between the cancel of a job and the kill of its process, in seconds. Default 10. */
  cancelGraceSeconds?: number | undefined
}

/** A finished job with its events and artifacts. */
export interface TestJob {
  job: Job
  /** The events of the trainer, in order. */
  events: StoredEvent[]
  artifacts: ArtifactList['artifacts']
  /** The log and the output of the trainer, for the message of a failed test. */
  output: string
}

/** Options of {@link TestPlatform.runJob}. */
export interface RunTestJobOptions extends Omit<CreateJobInput, 'trainer' | 'dataset'> {
  /** After this time the job is cancelled and the call throws, in milliseconds. Default 60,000. */
  timeoutMs?: number | undefined
}

/** A running platform, with a trainer and a dataset. */
export interface TestPlatform extends AsyncDisposable {
  url: string
  /** For requests of your own to `url`, as `Authorization: Bearer …`. The client has it already. */
  token: string
  manifest: TrainerManifest
  datasetId: string
  /** For everything else, such as cancels and live messages. */
  client: TrainyardClient
  /** The injected faults. */
  faults: Faults
  /** Runs a job of the trainer on the dataset and waits for its end, successful or not. */
  runJob(options?: RunTestJobOptions): Promise<TestJob>
  /** Reads a finished job. */
  readJob(id: number): Promise<TestJob>
  /** Stops the platform and removes its data. */
  close(): Promise<void>
}

const DEFAULT_CANCEL_GRACE_SECONDS = 10

/** Whether a request is the trainer's, which can fail: it has the token of a job, a JWT, and not that of the test. */
function isFromTrainer(request: Request): boolean {
  const authorization = request.headers.get('authorization')
  const isOfJob = authorization !== null && !authorization.startsWith('Bearer ty_')
  return new URL(request.url).pathname.startsWith('/storage/') || isOfJob
}

/** Starts the real runner in this process, with a database, an object store, the trainer and a dataset. */
export async function startTestPlatform(options: StartTestPlatformOptions = {}): Promise<TestPlatform> {
  const trainerDir = resolve(options.trainerDir ?? '.')
  const manifest = TrainerManifest.parse(JSON.parse(await readFile(join(trainerDir, MANIFEST_FILE_NAME), 'utf8')))
  const faults = openFaults(options.faults)
  const databaseUrl = options.databaseUrl ?? process.env.DATABASE_URL
  // Loaded here: importing this package for its faults must not load a server.
  const { startEmbeddedRunner } = await import('@trainyard/runner')
  const embedded = await startEmbeddedRunner({
    trainerDir,
    wrap: faults.wrap,
    databaseUrl: databaseUrl === '' ? undefined : databaseUrl,
    config: { cancelGraceSeconds: options.cancelGraceSeconds ?? DEFAULT_CANCEL_GRACE_SECONDS },
  })
  try {
    const client = createClient({ runnerUrl: embedded.url, token: embedded.token })
    const datasetId = await uploadDataset(client, options.dataset)
    return {
      url: embedded.url,
      token: embedded.token,
      manifest,
      datasetId,
      client,
      faults,
      runJob: (input) => runJob(client, { trainer: manifest.name, dataset: datasetId }, input),
      readJob: (id) => readJob(client, id),
      close: () => embedded.close(),
      [Symbol.asyncDispose]: () => embedded.close(),
    }
  } catch (error) {
    await embedded.close().catch(() => {})
    throw error
  }
}

function openFaults(faults: StartTestPlatformOptions['faults'] = { seed: 0, faults: [] }): Faults {
  return 'faults' in faults
    ? createFaults({ matches: isFromTrainer, script: faults })
    : createFaults({ matches: isFromTrainer, seed: faults.seed })
}

async function uploadDataset(client: TrainyardClient, dir: string | undefined): Promise<string> {
  if (dir !== undefined) return (await client.datasets.upload(packFolder(resolve(dir)), { name: 'test' })).id
  const generated = await mkdtemp(join(tmpdir(), 'trainyard-test-dataset-'))
  try {
    return (await client.datasets.upload(packFolder(await writeTestDataset(generated)), { name: 'test' })).id
  } finally {
    await rm(generated, { recursive: true, force: true })
  }
}

async function runJob(
  client: TrainyardClient,
  base: { trainer: string; dataset: string },
  options: RunTestJobOptions = {},
): Promise<TestJob> {
  const { timeoutMs = 60_000, ...input } = options
  const { id } = await client.jobs.create({ ...base, ...input })
  const endsAt = performance.now() + timeoutMs
  while (!isTerminalJobState((await client.jobs.get(id)).state)) {
    if (performance.now() > endsAt) {
      await client.jobs.cancel(id)
      const { output } = await readJob(client, id)
      throw new Error(`Job ${id} did not end within ${timeoutMs} ms. Its output:\n${output}`)
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  return readJob(client, id)
}

async function readJob(client: TrainyardClient, id: number): Promise<TestJob> {
  // The job first: once it has ended, its events, logs and artifacts are complete.
  const job = await client.jobs.get(id)
  const events = await readEvents(client, id)
  const { lines } = await client.jobs.logs(id, { limit: 500 })
  return {
    job,
    events,
    artifacts: (await client.jobs.artifacts(id)).artifacts,
    output: lines.map(({ level, message }) => `${level}: ${message}`).join('\n'),
  }
}
