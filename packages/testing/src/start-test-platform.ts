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

/** Which trainer, on which dataset, with which faults. */
export interface StartTestPlatformOptions {
  /** Folder of the trainer: the entry points of its `trainer.json` are run as a platform runs them. Default: this folder. */
  trainerDir?: string
  /** Folder of the dataset: DICE, or `{split}/{class}` with images. Default: the one of {@link writeTestDataset}. */
  dataset?: string
  /** What goes wrong with what trainers send and fetch, as a script or drawn from a seed. Default: nothing. */
  faults?: FaultScript | { seed: number }
  /** Default: `DATABASE_URL`; without it a PostgreSQL is started, which takes seconds. */
  databaseUrl?: string | undefined
  /** From the cancel of a job to the end of its process, in seconds. Default 10. */
  cancelGraceSeconds?: number
}

/** What a job came to. */
export interface TestJob {
  job: Job
  /** What the trainer reported, in order. */
  events: StoredEvent[]
  artifacts: ArtifactList['artifacts']
  /** What the trainer logged or printed, a line each: for the message of a test that fails. */
  output: string
}

/** What a job of the test is asked to do. */
export interface RunTestJobOptions extends Omit<CreateJobInput, 'trainer' | 'dataset'> {
  /** Longest time until its end, in milliseconds; then it is cancelled and the call throws. Default 60,000. */
  timeoutMs?: number
}

/** The real runner in this process, with a trainer and a dataset. */
export interface TestPlatform extends AsyncDisposable {
  url: string
  manifest: TrainerManifest
  datasetId: string
  /** For everything else: jobs that run on, live messages, cancels. */
  client: TrainyardClient
  /** What went wrong so far. */
  faults: Faults
  /** Runs a job of the trainer on the dataset to its end, whatever that is. */
  runJob(options?: RunTestJobOptions): Promise<TestJob>
  /** What a job that has ended came to. */
  readJob(id: number): Promise<TestJob>
  /** Ends what runs, and leaves nothing behind. */
  close(): Promise<void>
}

/** Faults are for the trainer's traffic, its callbacks and its bytes: the test's own calls carry no token. */
function isOfTrainer(request: Request): boolean {
  return new URL(request.url).pathname.startsWith('/storage/') || request.headers.has('authorization')
}

/**
 * The real runner in this process, with a database, a store and a dataset: an author's tests need no platform.
 * Needs `@trainyard/runner` (`npm install --save-dev @trainyard/runner`).
 */
export async function startTestPlatform(options: StartTestPlatformOptions = {}): Promise<TestPlatform> {
  const trainerDir = resolve(options.trainerDir ?? '.')
  const manifest = TrainerManifest.parse(JSON.parse(await readFile(join(trainerDir, MANIFEST_FILE_NAME), 'utf8')))
  const { startEmbeddedRunner } = await loadRunner()
  const faults = createFaultsOf(options.faults)
  const databaseUrl = options.databaseUrl ?? process.env.DATABASE_URL
  const embedded = await startEmbeddedRunner({
    trainerDir,
    wrap: faults.wrap,
    ...(databaseUrl === undefined || databaseUrl === '' ? {} : { databaseUrl }),
    ...(options.cancelGraceSeconds === undefined ? {} : { config: { cancelGraceSeconds: options.cancelGraceSeconds } }),
  })
  try {
    const client = createClient({ runnerUrl: embedded.url })
    const datasetId = await uploadDataset(client, options.dataset)
    return {
      url: embedded.url,
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

/** An optional peer: trainers that are not tested this way need not install it. */
async function loadRunner(): Promise<typeof import('@trainyard/runner')> {
  try {
    return await import('@trainyard/runner')
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    if (!isMissing || !error.message.includes('@trainyard/runner')) throw error
    throw new Error('startTestPlatform needs the runner: npm install --save-dev @trainyard/runner', { cause: error })
  }
}

function createFaultsOf(faults: StartTestPlatformOptions['faults']): Faults {
  if (faults === undefined) return createFaults({ matches: isOfTrainer, script: { seed: 0, faults: [] } })
  return createFaults({ matches: isOfTrainer, ...('faults' in faults ? { script: faults } : { seed: faults.seed }) })
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
      throw new Error(`Job ${id} was not over after ${timeoutMs} ms. What it said:\n${output}`)
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  return readJob(client, id)
}

async function readJob(client: TrainyardClient, id: number): Promise<TestJob> {
  // First: of a job that is over, everything else is there.
  const job = await client.jobs.get(id)
  const events: StoredEvent[] = []
  let cursor: string | undefined
  do {
    const page = await client.jobs.events(id, { limit: 500, cursor })
    events.push(...page.events)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  const { lines } = await client.jobs.logs(id, { limit: 500 })
  return {
    job,
    events,
    artifacts: (await client.jobs.artifacts(id)).artifacts,
    output: lines.map(({ level, message }) => `${level}: ${message}`).join('\n'),
  }
}
