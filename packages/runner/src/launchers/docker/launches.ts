import type { Logger } from '@trainyard/platform'
import type { AttemptRef, Exited, LaunchRequest, Observation } from '../launcher.ts'
import { ignoring, messageOf } from './engine.ts'
import type { EngineClient } from './engine-client.ts'
import type { createPulls, Pull } from './pulls.ts'
import { imageOf } from './spec.ts'

/** An attempt whose container has not started yet. */
interface Launch {
  /** Present while the image is being pulled. */
  pull: Pull | undefined
  isStopped: boolean
  /** Settles when the launch has ended, whether it succeeded or failed. */
  done: Promise<void>
}

export interface LaunchesOptions {
  docker: EngineClient
  pulls: ReturnType<typeof createPulls>
  logger: Logger
  nameOf(ref: AttemptRef): string
  /** Creates and starts the container. */
  start(request: LaunchRequest): Promise<void>
}

/** The launches of this runner that are in progress, and attempts that ended before they had a container. */
export class Launches {
  readonly #options: LaunchesOptions
  readonly #running = new Map<string, Launch>()
  /** The image could not be pulled, or the attempt was stopped during the pull. */
  readonly #endedEarly = new Map<string, Exited>()

  constructor(options: LaunchesOptions) {
    this.#options = options
  }

  /**
   * Resolves when the container runs, or when the image is being pulled: a pull can take an hour, and the caller must be
   * able to cancel the attempt in the meantime.
   */
  async launch(request: LaunchRequest): Promise<void> {
    const name = this.#options.nameOf(request)
    const running = this.#running.get(name)
    if (running !== undefined) {
      // The first caller receives the error.
      if (running.pull === undefined) await running.done.catch(() => {})
      return
    }
    const launch: Launch = { pull: undefined, isStopped: false, done: Promise.resolve() }
    this.#running.set(name, launch)
    const begun = this.#begin(request, launch)
    launch.done = begun.then(({ rest }) => rest).finally(() => this.#forget(name, launch))
    launch.done.catch(() => {})
    const { rest } = await begun
    if (launch.pull === undefined) await rest
  }

  isLaunching(name: string): boolean {
    return this.#running.has(name)
  }

  /** The state of an attempt that has no container. */
  observe(name: string): Observation {
    const launch = this.#running.get(name)
    const ended = this.#endedEarly.get(name)
    if (ended !== undefined) return ended
    return launch === undefined ? { state: 'absent' } : { state: 'pending', detail: launch.pull?.detail }
  }

  /** Waits for a start in progress, or gives up the pull: the container is not started then. */
  async stop(name: string): Promise<void> {
    const launch = this.#running.get(name)
    if (launch === undefined) return
    if (launch.pull === undefined) return await launch.done.catch(() => {})
    // Does not wait for the pull, because other jobs may still need the image.
    launch.isStopped = true
    this.#forget(name, launch)
    this.#endedEarly.set(name, {
      state: 'exited',
      exitCode: 137,
      signal: 'SIGKILL',
      reason: 'killed',
      finishedAt: new Date(),
    })
    launch.pull.leave()
  }

  /** Forgets how the attempt ended. */
  remove(name: string): void {
    this.#endedEarly.delete(name)
  }

  #forget(name: string, launch: Launch): void {
    if (this.#running.get(name) === launch) this.#running.delete(name)
  }

  /** `rest` settles when the container runs. In an object, because a promise that is returned alone would be awaited. */
  async #begin(request: LaunchRequest, launch: Launch): Promise<{ rest: Promise<void> }> {
    const { docker, nameOf } = this.#options
    const name = nameOf(request)
    const reference = imageOf(request)
    const [container, image] = await Promise.all([
      ignoring([404], docker.getContainer(name).inspect()),
      ignoring([404], docker.getImage(reference).inspect()),
    ])
    if (container !== undefined && container.State.Status !== 'created') return { rest: Promise.resolve() }
    this.#endedEarly.delete(name)
    if (image !== undefined) return { rest: this.#start(request, launch) }
    if (!reference.includes('@')) throw new Error(`the engine does not have the image ${reference}`)
    return { rest: this.#pullAndStart(request, launch, reference) }
  }

  async #pullAndStart(request: LaunchRequest, launch: Launch, image: string): Promise<void> {
    const { logger, nameOf, pulls } = this.#options
    const { jobId, attempt } = request
    const name = nameOf(request)
    launch.pull = pulls.join(image)
    try {
      await launch.pull.done
    } catch (error) {
      if (launch.isStopped) return
      logger.warn({ err: error, jobId, attempt, image }, 'could not pull the image of a trainer')
      this.#endedEarly.set(name, {
        state: 'exited',
        exitCode: 125,
        reason: 'image_pull_failed',
        detail: messageOf(error),
        finishedAt: new Date(),
      })
      return
    }
    try {
      await this.#start(request, launch)
    } catch (error) {
      // Counts as not launched. The supervisor launches again and receives the error then.
      logger.warn({ err: error, jobId, attempt }, 'could not start the container of a trainer')
    }
  }

  async #start(request: LaunchRequest, launch: Launch): Promise<void> {
    if (launch.isStopped) return
    await this.#options.start(request)
    const { jobId, attempt } = request
    this.#options.logger.debug({ jobId, attempt }, 'trainer launched')
  }
}
