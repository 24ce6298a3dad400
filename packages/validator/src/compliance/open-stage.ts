import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TrainerManifest } from '@trainyard/contract'
import { createFolderStore, createLogger, listen } from '@trainyard/platform'
import { createFolderTrainerSource, createRunner, createSubprocessLauncher, type Launcher } from '@trainyard/runner'
import { openRunDatabase } from './database.ts'
import { copyTrainer, MAX_PROCESSES, memoryLimit, openSandbox } from './open-sandbox.ts'
import { createRunnerApi, type RunnerApi } from './runner-api.ts'
import type { SandboxOptions } from './sandbox-choice.ts'
import { createTraffic, type Traffic } from './traffic.ts'
import { type WatchingLauncher, watchLauncher } from './watching-launcher.ts'

/** A whole platform for one run: the real runner, a store, a database, and the wire in between. */
export interface Stage {
  readonly api: RunnerApi
  readonly traffic: Traffic
  readonly launcher: WatchingLauncher
  /** Where what the trainer writes into its own folder is to be seen. */
  readonly trainerDir: string
  /** In what the trainer's processes run: a sentence. */
  readonly sandboxNote: string
  close(): Promise<void>
}

export interface StageOptions {
  readonly dir: string
  readonly manifest: TrainerManifest
  readonly databaseUrl?: string
  readonly sandbox: SandboxOptions
  readonly startTimeoutSeconds: number
  readonly cancelGraceSeconds: number
  readonly onProgress?: (text: string) => void
}

const DATASET_CACHE_GB = 1

export async function openStage(options: StageOptions): Promise<Stage> {
  const { dir, manifest, databaseUrl, startTimeoutSeconds, cancelGraceSeconds, onProgress } = options
  const cleanups: (() => Promise<void>)[] = []
  // Everything is undone in the reverse order, whatever fails on the way.
  const close = async () => {
    const failures: unknown[] = []
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup().catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw new AggregateError(failures, `cleaning up failed: ${String(failures[0])}`)
  }
  try {
    const scratch = await mkdtemp(join(tmpdir(), 'trainyard-validator-'))
    cleanups.push(() => rm(scratch, { recursive: true, force: true, maxRetries: 5 }))
    const sandbox = await openSandbox({
      ...options.sandbox,
      hiddenDirs: [...options.sandbox.hiddenDirs, scratch],
    })
    cleanups.push(() => sandbox.close())
    const logger = createLogger({ name: 'validator', level: 'error', destination: join(scratch, 'runner.log') })
    const database = await openRunDatabase({
      ...(databaseUrl !== undefined && { databaseUrl }),
      ...(onProgress && { onProgress }),
    })
    cleanups.push(() => database.close())

    // The address must be known before there is anything to serve under it.
    let serve: (request: Request) => Response | Promise<Response> = () => new Response('not ready', { status: 503 })
    const traffic = createTraffic((request) => serve(request))
    const server = await listen({ fetch: traffic.fetch }, { port: 0, drainMs: 200 })
    cleanups.push(() => server.close())

    const dataDir = join(scratch, 'runner')
    await mkdir(dataDir, { recursive: true })
    const store = createFolderStore({
      dir: join(scratch, 'store'),
      publicUrl: server.url,
      secret: randomBytes(32).toString('hex'),
    })
    const trainers = createFolderTrainerSource(dir)
    const { dir: trainerDir } = await trainers.fetchBundle(await trainers.resolve(manifest.name))
    // In production the folder is read-only; here it takes what is written, so that it can be found. The original stays as it is.
    const trainerCopy =
      sandbox.means.sandbox === undefined ? undefined : await copyTrainer(trainerDir, join(scratch, 'trainer'))
    const launcher = watchLauncher(
      withLimits(
        createSubprocessLauncher({
          ...sandbox.means,
          attemptsDir: join(dataDir, 'attempts'),
          datasetCacheDir: join(dataDir, 'cache'),
          datasetCacheMaxGb: DATASET_CACHE_GB,
          maxProcesses: MAX_PROCESSES,
          trainerCopy,
          logger,
        }),
      ),
    )
    cleanups.push(async () => {
      for await (const ref of launcher.list()) await launcher.remove(ref)
    })
    const runner = await createRunner({
      config: {
        publicUrl: server.url,
        databaseUrl: database.url,
        databaseSchema: database.schema,
        dataDir,
        heartbeatSeconds: 1,
        heartbeatTimeoutSeconds: 30,
        startTimeoutSeconds,
        cancelGraceSeconds,
        maxConcurrentJobs: 1,
        datasetCacheMaxGb: DATASET_CACHE_GB,
        // A retry would hide what the first attempt did.
        limits: { reconcileIntervalMs: 100, maxFreeRetries: 0 },
      },
      store,
      logger,
      trainers,
      launcher,
    })
    cleanups.push(() => runner.stop())
    // A trainer reaches what its token opens, and nothing that people have.
    serve = (request) =>
      new URL(request.url).pathname.startsWith('/storage/')
        ? store.app.fetch(request)
        : runner.trainersApp.fetch(request)
    const gate = await runner.openGate?.({ fetch: traffic.fetch })
    cleanups.push(async () => await gate?.close())
    await runner.start()
    return {
      api: createRunnerApi((request) => runner.app.fetch(request), server.url),
      traffic,
      launcher,
      trainerDir: trainerCopy?.dir ?? trainerDir,
      sandboxNote: sandbox.note,
      close,
    }
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}

/** Memory is limited whether the manifest asks for it or not, and whatever it asks for. */
function withLimits(inner: Launcher): Launcher {
  return {
    ...inner,
    launch: (request) =>
      inner.launch({
        ...request,
        resources: { ...request.resources, memoryMb: memoryLimit(request.resources.memoryMb) },
      }),
  }
}
