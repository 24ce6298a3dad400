import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGate, type Logger } from '@trainyard/platform'
import { openCacheFolder } from '../cache-folder.ts'
import type {
  AttemptRef,
  DatasetCache,
  Launcher,
  LauncherCapabilities,
  LaunchRequest,
  Observation,
  Output,
  OutputPosition,
  ResourceUse,
} from '../launcher.ts'
import { type BridgeVolume, createBridgeVolume } from './bridge-volume.ts'
import type { DockerConfig } from './config.ts'
import { createDiskWatch, type DiskWatch } from './disk-watch.ts'
import {
  connectEngine,
  type EngineInfo,
  ignoring,
  messageOf,
  readEngineInfo,
  readEngineStart,
  statusOf,
} from './engine.ts'
import type { EngineClient } from './engine-client.ts'
import { Launches } from './launches.ts'
import { useOfStats } from './measure-container.ts'
import { attemptName, instanceLabel, parseLabels } from './names.ts'
import { removeNetworks } from './networks.ts'
import { isPossibleRestart, observationOf, withRestart } from './observe-state.ts'
import { openSpool } from './open-spool.ts'
import { parseTime } from './output-frames.ts'
import { createPulls } from './pulls.ts'
import { readOutput } from './read-output.ts'
import { type ContainerWatch, type DockerSpecOptions, diskLimitOf, imageOf, renewedToken } from './spec.ts'
import { putFiles, startContainer } from './start-container.ts'

/** How many containers are started and removed at once. More only slow the engine down. */
const MAX_CONCURRENT_CHANGES = 8
const PULL_STALL_MS = 10 * 60_000
/** The engine reads its whole log file for each request, so the pause between two requests grows with their duration. */
const PAUSE_FACTOR = 20
const NOT_RUNNING = [304, 404, 409]

export interface DockerLauncherOptions {
  config: DockerConfig
  /** Identifies the runner's database. */
  instanceId: string
  /** The runner fills it for containers that can mount it. */
  datasetCacheDir: string
  datasetCacheMaxGb: number
  /** Set where a trainer is judged. */
  watch?: ContainerWatch | undefined
  logger: Logger
}

/** Runs trainers as containers of one Docker engine. Containers outlive the runner. */
export async function createDockerLauncher(options: DockerLauncherOptions): Promise<Launcher> {
  const docker = connectEngine(options.config)
  return new DockerLauncher(docker, await readEngineInfo(docker, options.config.host), options)
}

/** The dataset cache, as the engine knows it. */
interface MountableCache {
  source: string
  /** Whether it is assumed that the engine has the runner's folder. */
  isAssumed: boolean
}

class DockerLauncher implements Launcher {
  readonly name = 'docker'
  readonly runs = 'image'
  readonly host: string
  readonly callbackAddress: string | undefined
  readonly datasetCache: DatasetCache | undefined
  readonly capabilities: LauncherCapabilities

  readonly #docker: EngineClient
  readonly #options: DockerLauncherOptions
  readonly #logger: Logger
  readonly #limitChanges = createGate(MAX_CONCURRENT_CHANGES)
  readonly #launches: Launches
  readonly #bridge: (image: string) => Promise<BridgeVolume>
  readonly #disk: DiskWatch
  readonly #cache: MountableCache | undefined
  #specOptions: DockerSpecOptions
  readonly #containers = new Map<string, { id: string; createdAt: bigint }>()
  readonly #nextReadAt = new Map<string, number>()
  readonly #diskLimits = new Map<string, number | undefined>()

  constructor(docker: EngineClient, engine: EngineInfo, options: DockerLauncherOptions) {
    const { config, instanceId, logger } = options
    this.#docker = docker
    this.#options = options
    this.#logger = logger
    this.#cache = findCache(options, engine)
    // Filling takes as long as it takes to write 130 MB.
    this.#bridge = createBridgeVolume(connectEngine(config, PULL_STALL_MS), engine.processor)
    this.#specOptions = { ...options, engineCpus: engine.cpus, datasetCache: this.#cache?.source }
    // Measuring takes as long as it takes to walk through all files.
    this.#disk = createDiskWatch(connectEngine(config, PULL_STALL_MS), logger)
    this.#launches = new Launches({
      docker,
      pulls: createPulls(connectEngine(config, PULL_STALL_MS), config.credentials),
      logger,
      nameOf: (ref) => this.#nameOf(ref),
      start: (request) => this.#start(request),
    })
    // Every runner with the same engine and database sees the same containers.
    this.host = `docker ${engine.id} ${instanceId}`
    this.callbackAddress = engine.gateway
    this.datasetCache =
      this.#cache === undefined ? undefined : openCacheFolder(options.datasetCacheDir, options.datasetCacheMaxGb)
    this.capabilities = {
      gpu: engine.hasGpu,
      memoryLimit: engine.hasMemoryLimit,
      // A trainer's network has no other job in it, but access to the outside.
      networkPolicy: false,
      imagePull: true,
      diskLimit: true,
    }
  }

  async launch(request: LaunchRequest): Promise<void> {
    await this.#launches.launch(request)
  }

  async observe(ref: AttemptRef): Promise<Observation> {
    return await this.#enforceDiskLimit(ref, await this.#observe(ref))
  }

  async measure(ref: AttemptRef): Promise<ResourceUse | undefined> {
    const container = this.#docker.getContainer(this.#nameOf(ref))
    // One-shot: otherwise the engine waits for a second measurement.
    return useOfStats(await ignoring([404, 409], container.stats({ stream: false, 'one-shot': true })))
  }

  async stop(ref: AttemptRef, graceMs: number): Promise<void> {
    const name = this.#nameOf(ref)
    await this.#launches.stop(name)
    const container = this.#docker.getContainer(name)
    const isOver = async () => (await this.#observe(ref)).state !== 'running'
    if (await isOver()) return
    // Not the engine's own stop, which counts its grace period in seconds and sends the image's signal.
    if (graceMs > 0) {
      await ignoring(NOT_RUNNING, container.kill({ signal: 'SIGTERM' }))
      const endsAt = performance.now() + graceMs
      while (performance.now() < endsAt) {
        if (await isOver()) return
        await sleep(Math.min(50, graceMs))
      }
    }
    await ignoring(NOT_RUNNING, container.kill({ signal: 'SIGKILL' }))
    for (let waits = 0; waits < 200 && !(await isOver()); waits++) await sleep(50)
  }

  async logs(
    ref: AttemptRef,
    from: OutputPosition,
    { final = false }: { final?: boolean | undefined } = {},
  ): Promise<Output> {
    const name = this.#nameOf(ref)
    const nothing = { lines: [], position: from }
    if (!final && performance.now() < (this.#nextReadAt.get(name) ?? 0)) return nothing
    const container = this.#containers.get(name) ?? (await this.#findContainer(name))
    if (container === undefined) return nothing
    const begunAt = performance.now()
    const output = await ignoring([404, 409], readOutput(this.#docker, container, from, final))
    if (output === undefined) this.#containers.delete(name)
    else this.#nextReadAt.set(name, performance.now() + (performance.now() - begunAt) * PAUSE_FACTOR)
    return output ?? nothing
  }

  async openSpool(ref: AttemptRef): Promise<AsyncIterable<Buffer> | undefined> {
    return await openSpool(this.#docker.getContainer(this.#nameOf(ref)), ref.attempt)
  }

  async renewToken(ref: AttemptRef, token: string): Promise<void> {
    const container = this.#docker.getContainer(this.#nameOf(ref))
    await ignoring([404], putFiles(container, renewedToken(this.#options.config.user, token)))
  }

  async remove(ref: AttemptRef): Promise<void> {
    const name = this.#nameOf(ref)
    await this.#launches.stop(name)
    await this.#limitChanges(async () => {
      // 409: another request is removing it.
      for (let waits = 0; waits < 600; waits++) {
        await ignoring([404, 409], this.#docker.getContainer(name).remove({ force: true, v: true }))
        if ((await this.#inspect(name)) === undefined) break
        await sleep(50)
      }
      await retryBusy(() => ignoring([404], this.#docker.getVolume(name).remove()))
      if (this.#options.config.network === 'job') await retryBusy(() => removeNetworks(this.#docker, name))
    })
    this.#launches.remove(name)
    for (const known of [this.#containers, this.#nextReadAt, this.#diskLimits]) known.delete(name)
  }

  /** By container, network and volume, because a runner can die after it created or removed only some of them. */
  async *list(): AsyncIterable<AttemptRef> {
    const filters = { label: [instanceLabel(this.#options.instanceId)] }
    const [containers, networks, volumes] = await Promise.all([
      this.#docker.listContainers({ all: true, filters }),
      this.#docker.listNetworks({ filters }),
      this.#docker.listVolumes({ filters }),
    ])
    const refs = new Map<string, AttemptRef>()
    for (const { Labels } of [...containers, ...networks, ...(volumes.Volumes ?? [])]) {
      const ref = parseLabels(Labels ?? null)
      if (ref !== undefined) refs.set(this.#nameOf(ref), ref)
    }
    yield* refs.values()
  }

  #nameOf(ref: AttemptRef): string {
    return attemptName(ref, this.#options.instanceId)
  }

  async #inspect(name: string) {
    return await ignoring([404], this.#docker.getContainer(name).inspect())
  }

  async #findContainer(name: string): Promise<{ id: string; createdAt: bigint } | undefined> {
    const seen = await this.#inspect(name)
    const createdAt = parseTime(seen?.Created ?? '')
    if (seen === undefined || createdAt === undefined) return undefined
    const container = { id: seen.Id, createdAt }
    this.#containers.set(name, container)
    return container
  }

  async #start(request: LaunchRequest): Promise<void> {
    const bridge = request.bridge === undefined ? undefined : await this.#bridge(imageOf(request))
    const start = () =>
      this.#limitChanges(() => startContainer(this.#docker, request, { ...this.#specOptions, bridge }))
    try {
      await start()
    } catch (error) {
      if (this.#cache?.isAssumed !== true || !/bind source path does not exist/.test(messageOf(error))) throw error
      this.#logger.warn(
        { dir: this.#options.datasetCacheDir },
        'the engine cannot mount the dataset cache folder, so each job downloads its dataset; set DOCKER_DATASET_CACHE to the volume or path that the engine knows',
      )
      this.#specOptions = { ...this.#specOptions, datasetCache: undefined }
      await start()
    }
  }

  async #observe(ref: AttemptRef): Promise<Observation> {
    const name = this.#nameOf(ref)
    const container = await this.#inspect(name)
    if (container === undefined) return this.#launches.observe(name)
    this.#diskLimits.set(name, diskLimitOf(container.Config.Labels))
    const observation = observationOf(container.State, this.#launches.isLaunching(name))
    return isPossibleRestart(observation) ? withRestart(observation, await readEngineStart(this.#docker)) : observation
  }

  /**
   * Kills a trainer that exceeds its disk limit. An attempt that failed while it exceeded the limit gets that as its reason,
   * also if another runner killed it.
   */
  async #enforceDiskLimit(ref: AttemptRef, observation: Observation): Promise<Observation> {
    const { jobId, attempt } = ref
    const name = this.#nameOf(ref)
    const limitBytes = this.#diskLimits.get(name)
    if (limitBytes === undefined) return observation
    if (observation.state === 'running' && this.#disk.isOver(name, limitBytes)) {
      this.#logger.warn({ jobId, attempt, limitBytes }, 'killing a trainer that exceeds its disk limit')
      await ignoring(NOT_RUNNING, this.#docker.getContainer(name).kill({ signal: 'SIGKILL' }))
    }
    if (observation.state !== 'exited' || observation.exitCode === 0 || observation.reason !== undefined)
      return observation
    if (!(await this.#disk.wasOver(name, limitBytes))) return observation
    const detail = `the work folder was larger than ${(limitBytes / 1024 ** 3).toFixed(2)} GB`
    return { ...observation, reason: 'storage_limit', detail }
  }
}

/** Undefined: containers cannot mount the cache folder. */
function findCache(
  { config, datasetCacheDir }: DockerLauncherOptions,
  { gateway }: EngineInfo,
): MountableCache | undefined {
  const { datasetCache } = config
  if (datasetCache === 'none') return undefined
  if (datasetCache !== undefined) return { source: datasetCache, isAssumed: false }
  // An engine on this machine has the folder, unless the runner itself is in a container.
  return gateway === undefined ? undefined : { source: resolve(datasetCacheDir), isAssumed: true }
}

/** The engine releases networks and volumes a moment after their container was removed. */
async function retryBusy(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await work()
      return
    } catch (error) {
      const isBusy = statusOf(error) === 409 || statusOf(error) === 403
      if (!isBusy || tries === 40) throw error
      await sleep(50)
    }
  }
}
