import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@trainyard/platform'
import type Docker from 'dockerode'
import { createGate } from '../../gate.ts'
import { openCacheFolder } from '../cache-folder.ts'
import type { AttemptRef, Launcher, LaunchRequest, Observation } from '../launcher.ts'
import type { DockerConfig } from './config.ts'
import { createDiskWatch } from './disk-watch.ts'
import { askEngine, connectEngine, type EngineFacts, engineStart, messageOf, statusOf, unless } from './engine.ts'
import { removeNetworks } from './networks.ts'
import { mayBeRestart, observationOf, withRestart } from './observe-state.ts'
import { parseTime } from './output-frames.ts'
import { createPulls, type Pull } from './pulls.ts'
import { readOutput } from './read-output.ts'
import {
  attemptName,
  containerSpec,
  type DockerSpecOptions,
  diskLimitOf,
  instanceLabel,
  parseLabels,
  renewedToken,
} from './spec.ts'
import { putFiles, startContainer } from './start-container.ts'

/** How many starts and removals the engine is given at once; with more it only gets slower. */
const AT_ONCE = 8
const PULL_STALL_MS = 10 * 60_000
/** A look at the output costs the engine the whole log file, so the pause between two is that many times its length. */
const PAUSE_FACTOR = 20
const NOT_RUNNING = [304, 404, 409]

export interface DockerLauncherOptions {
  config: DockerConfig
  /** Names this runner's database. */
  instanceId: string
  /** What this runner fills for containers that can see it. */
  datasetCacheDir: string
  datasetCacheMaxGb: number
  logger: Logger
}

/** What this runner knows of an attempt beside the engine: before there is a container, and why there is none. */
interface Launching {
  pull?: Pull
  isStopped: boolean
  /** Settled when the launch is over, well or not. */
  done: Promise<void>
}

type Exited = Extract<Observation, { state: 'exited' }>

/** Runs trainers as containers of one Docker engine. Containers outlive the runner. */
export async function createDockerLauncher(options: DockerLauncherOptions): Promise<Launcher> {
  const { config, instanceId, logger } = options
  const docker = connectEngine(config)
  const facts = await askEngine(docker, config.host)
  const cache = findCache(options, facts)
  let specOptions: DockerSpecOptions = { ...options, engineCpus: facts.cpus, datasetCache: cache?.source }
  const pulls = createPulls(connectEngine(config, PULL_STALL_MS), config.credentials)
  const gate = createGate(AT_ONCE)
  const launching = new Map<string, Launching>()
  /** Ends without a container: the image could not be had, or the attempt was stopped before there was one. */
  const endedEarly = new Map<string, Exited>()
  const created = new Map<string, { id: string; createdAt: bigint }>()
  const nextLook = new Map<string, number>()
  const diskLimits = new Map<string, number | undefined>()
  // A look takes as long as there are files.
  const disk = createDiskWatch(connectEngine(config, PULL_STALL_MS), logger)
  const nameOf = (ref: AttemptRef) => attemptName(ref, instanceId)

  const inspect = (name: string) => unless([404], docker.getContainer(name).inspect())

  const forget = (name: string, state: Launching) => {
    if (launching.get(name) === state) launching.delete(name)
  }

  const launch = async (request: LaunchRequest) => {
    const name = nameOf(request)
    const running = launching.get(name)
    if (running !== undefined) {
      // Its failure is told to the one who asked first.
      if (running.pull === undefined) await running.done.catch(() => {})
      return
    }
    const state: Launching = { isStopped: false, done: Promise.resolve() }
    launching.set(name, state)
    const work = launchNow(request, state)
    state.done = work.then(({ rest }) => rest).finally(() => forget(name, state))
    state.done.catch(() => {})
    const { rest } = await work
    // A pull goes on in the background: it may take an hour, and must not keep a cancel from being seen.
    if (state.pull === undefined) await rest
  }

  /** Ends once the container runs, or with a `rest` that waits for the image. */
  const launchNow = async (request: LaunchRequest, state: Launching): Promise<{ rest: Promise<void> }> => {
    const name = nameOf(request)
    // Checks the request too, before anything is done.
    const spec = containerSpec(request, specOptions)
    const reference = spec.create.Image ?? ''
    const [there, image] = await Promise.all([inspect(name), unless([404], docker.getImage(reference).inspect())])
    if (there !== undefined && there.State.Status !== 'created') return { rest: Promise.resolve() }
    endedEarly.delete(name)
    const startIt = async () => {
      try {
        await gate(() => startContainer(docker, request, specOptions))
      } catch (error) {
        if (cache?.isGuessed !== true || !/bind source path does not exist/.test(messageOf(error))) throw error
        logger.warn(
          { dir: options.datasetCacheDir },
          'the engine does not see the folder of the dataset cache: each job fetches its own. Set DOCKER_DATASET_CACHE to what the engine calls it',
        )
        specOptions = { ...specOptions, datasetCache: undefined }
        await gate(() => startContainer(docker, request, specOptions))
      }
    }
    const start = async () => {
      if (state.isStopped) return
      await startIt()
      logger.debug({ jobId: request.jobId, attempt: request.attempt }, 'trainer launched')
    }
    if (image !== undefined) return { rest: start() }
    if (!reference.includes('@')) throw new Error(`the engine has no image ${reference}`)
    const pull = pulls.join(reference)
    state.pull = pull
    const pulled = pull.done.catch((error: unknown) => {
      if (state.isStopped) return
      const detail = messageOf(error)
      logger.warn({ err: error, jobId: request.jobId, attempt: request.attempt, image: reference }, 'a pull failed')
      endedEarly.set(name, {
        state: 'exited',
        exitCode: 125,
        reason: 'image_pull_failed',
        detail,
        finishedAt: new Date(),
      })
    })
    const rest = pulled.then(async () => {
      if (state.isStopped || endedEarly.has(name)) return
      // A start that fails here counts as one that never was: the supervisor launches again, and is told then.
      await start().catch((error: unknown) =>
        logger.warn({ err: error, ...refOf(request) }, 'a container did not start'),
      )
    })
    return { rest }
  }

  const observe = async (ref: AttemptRef): Promise<Observation> => {
    const name = nameOf(ref)
    const seen = await inspect(name)
    const state = launching.get(name)
    if (seen !== undefined) {
      diskLimits.set(name, diskLimitOf(seen.Config.Labels))
      const observation = observationOf(seen.State, state !== undefined)
      return mayBeRestart(observation) ? withRestart(observation, await engineStart(docker)) : observation
    }
    const early = endedEarly.get(name)
    if (early !== undefined) return early
    if (state === undefined) return { state: 'absent' }
    return { state: 'pending', ...(state.pull === undefined ? {} : { detail: state.pull.detail }) }
  }

  /** Ends a trainer that has written more than it may; what ended while it had is told so, whoever ended it. */
  const withinDisk = async (ref: AttemptRef, observation: Observation): Promise<Observation> => {
    const name = nameOf(ref)
    const limit = diskLimits.get(name)
    if (limit === undefined) return observation
    if (observation.state === 'running' && disk.isOver(name, limit)) {
      logger.warn({ ...refOf(ref), limit }, 'a trainer wrote more than it may, and is ended')
      await unless(NOT_RUNNING, docker.getContainer(name).kill({ signal: 'SIGKILL' }))
    }
    if (observation.state !== 'exited' || observation.exitCode === 0 || observation.reason !== undefined)
      return observation
    if (!(await disk.wasOver(name, limit))) return observation
    const detail = `the work folder held more than ${(limit / 1024 ** 3).toFixed(2)} GB`
    return { ...observation, reason: 'storage_limit', detail }
  }

  const stop = async (ref: AttemptRef, graceMs: number) => {
    const name = nameOf(ref)
    await stopLaunching(name)
    const container = docker.getContainer(name)
    const isOver = async () => (await observe(ref)).state !== 'running'
    if (await isOver()) return
    // Not the engine's own stop: its grace is whole seconds, and it would take the image's signal.
    if (graceMs > 0) {
      await unless(NOT_RUNNING, container.kill({ signal: 'SIGTERM' }))
      const endsAt = performance.now() + graceMs
      while (performance.now() < endsAt) {
        if (await isOver()) return
        await sleep(Math.min(50, graceMs))
      }
    }
    await unless(NOT_RUNNING, container.kill({ signal: 'SIGKILL' }))
    for (let waits = 0; waits < 200 && !(await isOver()); waits++) await sleep(50)
  }

  /** Nobody waits any more: a pull is left, and what has not begun does not begin. */
  const stopLaunching = async (name: string) => {
    const state = launching.get(name)
    if (state === undefined) return
    if (state.pull === undefined) return await state.done.catch(() => {})
    // Others may wait for the same image: this one's end must not wait for theirs.
    state.isStopped = true
    forget(name, state)
    endedEarly.set(name, {
      state: 'exited',
      exitCode: 137,
      signal: 'SIGKILL',
      reason: 'killed',
      finishedAt: new Date(),
    })
    state.pull.leave()
  }

  const logs: Launcher['logs'] = async (ref, from, { final = false } = {}) => {
    const name = nameOf(ref)
    const nothing = { lines: [], position: from }
    if (!final && performance.now() < (nextLook.get(name) ?? 0)) return nothing
    let container = created.get(name)
    if (container === undefined) {
      const seen = await inspect(name)
      const createdAt = parseTime(seen?.Created ?? '')
      if (seen === undefined || createdAt === undefined) return nothing
      container = { id: seen.Id, createdAt }
      created.set(name, container)
    }
    const begun = performance.now()
    const read = await unless([404, 409], readOutput(docker, container, from, final))
    if (read === undefined) created.delete(name)
    else nextLook.set(name, performance.now() + (performance.now() - begun) * PAUSE_FACTOR)
    return read ?? nothing
  }

  const remove = async (ref: AttemptRef) => {
    const name = nameOf(ref)
    await stopLaunching(name)
    await gate(async () => {
      // 409: somebody else removes it right now.
      for (let waits = 0; waits < 600; waits++) {
        await unless([404, 409], docker.getContainer(name).remove({ force: true, v: true }))
        if ((await inspect(name)) === undefined) break
        await sleep(50)
      }
      await retryBusy(() => unless([404], docker.getVolume(name).remove()))
      if (config.network === 'job') await retryBusy(() => removeNetworks(docker, name))
    })
    for (const known of [endedEarly, created, nextLook, diskLimits]) known.delete(name)
  }

  return {
    name: 'docker',
    runs: 'image',
    // Whoever speaks to the same engine sees the same containers.
    host: `docker ${facts.id} ${instanceId}`,
    ...(facts.gateway === undefined ? {} : { callbackAddress: facts.gateway }),
    ...(cache === undefined
      ? {}
      : { datasetCache: openCacheFolder(options.datasetCacheDir, options.datasetCacheMaxGb) }),
    capabilities: {
      gpu: facts.hasGpu,
      memoryLimit: facts.hasMemoryLimit,
      // A trainer's network has nobody else in it, but leads everywhere.
      networkPolicy: false,
      imagePull: true,
      diskLimit: true,
    },
    launch,
    observe: async (ref) => await withinDisk(ref, await observe(ref)),
    stop,
    logs,
    async renewToken(ref, token) {
      const container = docker.getContainer(nameOf(ref))
      await unless([404], putFiles(container, renewedToken(config.user, token)))
    },
    remove,
    async *list() {
      yield* await listAttempts(docker, instanceId)
    },
  }
}

/** What the engine calls the folder that we fill; undefined where its containers cannot see it. */
function findCache({ config, datasetCacheDir }: DockerLauncherOptions, { gateway }: EngineFacts) {
  const { datasetCache: named } = config
  if (named === 'none') return undefined
  if (named !== undefined) return { source: named, isGuessed: false }
  // An engine of this very machine sees its folders, unless we are in a container ourselves.
  return gateway === undefined ? undefined : { source: resolve(datasetCacheDir), isGuessed: true }
}

/** By container, volume or network: a runner may have died between making or removing two of them. */
async function listAttempts(docker: Docker, instanceId: string): Promise<Iterable<AttemptRef>> {
  const filters = { label: [instanceLabel(instanceId)] }
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ])
  const refs = new Map<string, AttemptRef>()
  for (const { Labels } of [...containers, ...networks, ...(volumes.Volumes ?? [])]) {
    const ref = parseLabels(Labels ?? null)
    if (ref !== undefined) refs.set(attemptName(ref, instanceId), ref)
  }
  return refs.values()
}

/** The engine lets go of a network or volume a moment after its container is gone. */
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

function refOf({ jobId, attempt }: AttemptRef): AttemptRef {
  return { jobId, attempt }
}
