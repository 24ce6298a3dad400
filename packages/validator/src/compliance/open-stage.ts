import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENVIRONMENT_CHECK_MS, type TrainerManifest } from '@trainyard/contract'
import { environmentsDir } from '@trainyard/environments'
import { createFolderStore, createLogger, listen } from '@trainyard/platform'
import { createRunner, type Launcher } from '@trainyard/runner'
import { hidesPath } from '../trainer-folder.ts'
import { Cleanups } from './cleanups.ts'
import { openContainerPlace } from './container-place.ts'
import { openRunDatabase } from './database.ts'
import { memoryLimit } from './open-sandbox.ts'
import { openProcessPlace } from './process-place.ts'
import type { PlaceOptions, RunPlace, TrainerToRun } from './run-place.ts'
import { createRunnerApi, type RunnerApi } from './runner-api.ts'
import type { SandboxOptions } from './sandbox-choice.ts'
import { createTraffic, type Traffic } from './traffic.ts'
import { createDatasetWatch, type DatasetWatch } from './watch-datasets.ts'
import type { ProcessWatch } from './watch-processes.ts'
import { type WatchingLauncher, watchLauncher } from './watching-launcher.ts'

/** The platform of one run: the real runner with its database and store, and a proxy between runner and trainer. */
export interface Stage {
  readonly api: RunnerApi
  readonly traffic: Traffic
  readonly launcher: WatchingLauncher
  readonly processes: ProcessWatch
  readonly datasets: DatasetWatch
  /** The hosts that the proxy has refused since the last call. */
  takeRefusedHosts(): string[]
  /** The files that trainers left outside of their work folders. */
  listElsewhere(): Promise<string[]>
  /** Reads the first bytes of a stored file. */
  readStored(url: string, maxBytes: number): Promise<Uint8Array>
  /** The folder in which changes of the trainer's own folder can be seen. Undefined: an image, which it cannot change. */
  readonly trainerDir: string | undefined
  /** Waits until an attempt has ended, or a job changed if it is named, and not longer than that. */
  nextChange(options: { jobId: number | undefined; maxMs: number }): Promise<void>
  /** Prepares the Python environment of the trainer, if it declares one. */
  prepareEnvironment(signal: AbortSignal): Promise<void>
  /** Describes the sandbox of the trainer's processes. */
  readonly sandboxNote: string
  close(): Promise<void>
}

export interface StageOptions {
  readonly trainer: TrainerToRun
  readonly manifest: TrainerManifest
  readonly databaseUrl?: string | undefined
  readonly sandbox: SandboxOptions
  readonly startTimeoutSeconds: number
  readonly cancelGraceSeconds: number
  readonly onProgress?: ((text: string) => void) | undefined
}

const DATASET_CACHE_GB = 1
const SPARE_MS = 3000

export async function openStage(options: StageOptions): Promise<Stage> {
  const cleanups = new Cleanups()
  try {
    return await assembleStage(options, cleanups)
  } catch (error) {
    await cleanups.run().catch(() => undefined)
    throw error
  }
}

async function assembleStage(options: StageOptions, cleanups: Cleanups): Promise<Stage> {
  const { databaseUrl, onProgress } = options
  // Trainers see this path: one that names the validator would tell them when to behave.
  const scratch = await mkdtemp(join(tmpdir(), 'trainyard-data-'))
  cleanups.add(() => rm(scratch, { recursive: true, force: true, maxRetries: 5 }))
  // What trainers must not read: stored files, with the datasets whose answers they are asked for.
  const closed = join(scratch, 'closed')
  await mkdir(closed, { mode: 0o700 })
  const logger = createLogger({ name: 'validator', level: 'error', destination: join(closed, 'runner.log') })
  const cacheDir = join(scratch, 'cache')
  const refused = createHostList()
  const place = await openPlace(options, { scratch, cacheDir, logger, cleanups, onRefused: refused.add })
  const database = await openRunDatabase({ databaseUrl, onProgress })
  cleanups.add(() => database.close())

  // The runner needs its address before it exists, so the server starts first.
  let serve: (request: Request) => Response | Promise<Response> = () => new Response('not ready', { status: 503 })
  const datasets = createDatasetWatch(cacheDir)
  const traffic = createTraffic((request) => serve(request), { onDataset: (folder) => datasets.open(folder) })
  const server = await listen({ fetch: traffic.fetch }, { host: place.address, port: 0, drainMs: 200 })
  cleanups.add(() => server.close())

  const store = createFolderStore({
    dir: join(closed, 'store'),
    publicUrl: server.url,
    secret: randomBytes(32).toString('hex'),
  })
  const { processes, trainers } = place
  const launcher = watchLauncher(withMemoryLimit(place.launcher), {
    processes,
    // The end of a process that the runner has to kill is seen too.
    exitWaitMs: options.cancelGraceSeconds * 1000 + SPARE_MS,
  })
  cleanups.add(async () => {
    for await (const ref of launcher.list()) await launcher.remove(ref)
  })
  const runner = await createRunner({
    config: runnerConfig(options, { publicUrl: server.url, database, dataDir: join(closed, 'runner') }),
    store,
    logger,
    trainers,
    launcher,
  })
  cleanups.add(() => runner.stop())
  // A trainer can reach the endpoints for job tokens and signed URLs, but not the API for users.
  serve = (request) =>
    new URL(request.url).pathname.startsWith('/storage/') ? store.app.fetch(request) : runner.trainersApp.fetch(request)
  const gateway = await runner.openGateway?.({ fetch: traffic.fetch })
  cleanups.add(async () => await gateway?.close())
  await runner.start()
  const token = await runner.context.identity.createOwnerToken('validator')
  return {
    api: createRunnerApi({ fetch: (request) => runner.app.fetch(request), origin: server.url, token }),
    traffic,
    launcher,
    processes,
    datasets,
    takeRefusedHosts: refused.take,
    listElsewhere: place.listElsewhere,
    readStored: (url, maxBytes) => readHead((request) => store.app.fetch(request), url, maxBytes),
    trainerDir: place.folder?.seen,
    async nextChange({ jobId, maxMs }) {
      const { hub } = runner.context
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, maxMs)
      const forget = [hub.onWake(resolve), ...(jobId === undefined ? [] : [hub.watch(jobId, resolve)])]
      await promise
      clearTimeout(timer)
      for (const end of forget) end()
    },
    async prepareEnvironment(signal) {
      // An image brings its own.
      if (place.folder === undefined) return
      const onLine = (line: string) => onProgress?.(`environment: ${line}`)
      await runner.context.environments?.prepare(place.folder.original, options.manifest, { signal, onLine })
    },
    sandboxNote: place.note,
    close: () => cleanups.run(),
  }
}

function createHostList() {
  const hosts = new Set<string>()
  return {
    add: (host: string) => void hosts.add(host.slice(0, 200)),
    take() {
      const taken = [...hosts]
      hosts.clear()
      return taken
    },
  }
}

async function openPlace(
  { trainer, sandbox, manifest }: StageOptions,
  options: Omit<PlaceOptions, 'manifest' | 'datasetCacheMaxGb'>,
): Promise<RunPlace> {
  const all = { ...options, manifest, datasetCacheMaxGb: DATASET_CACHE_GB }
  if ('image' in trainer) return await openContainerPlace(trainer.image, all)
  return await openProcessPlace({ ...all, dir: trainer.dir, isIgnored: trainer.isIgnored, sandbox })
}

async function readHead(fetch: Traffic['fetch'], url: string, maxBytes: number): Promise<Uint8Array> {
  const response = await fetch(new Request(url, { headers: { range: `bytes=0-${maxBytes - 1}` } }))
  // A range of an empty file cannot be satisfied.
  if (!response.ok) return new Uint8Array()
  return new Uint8Array(await response.arrayBuffer()).subarray(0, maxBytes)
}

function runnerConfig(
  { trainer, startTimeoutSeconds, cancelGraceSeconds }: StageOptions,
  { publicUrl, database, dataDir }: { publicUrl: string; database: { url: string; schema: string }; dataDir: string },
) {
  return {
    publicUrl,
    databaseUrl: database.url,
    databaseSchema: database.schema,
    // People of its own: the server can be that of a registry, whose accounts and audit are none of this run's business.
    identitySchemaPrefix: `${database.schema}_`,
    dataDir,
    heartbeatSeconds: 1,
    heartbeatTimeoutSeconds: 60,
    startTimeoutSeconds,
    cancelGraceSeconds,
    maxConcurrentJobs: 1,
    datasetCacheMaxGb: DATASET_CACHE_GB,
    environments: {
      dir: environmentsDir(process.env),
      timeoutMs: ENVIRONMENT_CHECK_MS,
      isIgnored: 'isIgnored' in trainer && trainer.isIgnored ? hidesPath(trainer.isIgnored) : undefined,
    },
    // A retry would hide the first attempt.
    limits: { reconcileIntervalMs: 100, maxFreeRetries: 0 },
  }
}

/** Always limits memory, even if the manifest declares none or more than the machine has. */
function withMemoryLimit(inner: Launcher): Launcher {
  return {
    ...inner,
    launch: (request, options) => {
      const resources = { ...request.resources, memoryMb: memoryLimit(request.resources.memoryMb) }
      return inner.launch({ ...request, resources }, options)
    },
  }
}
