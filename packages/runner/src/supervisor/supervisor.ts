import { endsWithin } from '@trainyard/platform'
import type { Intake } from '../callback/intake.ts'
import type { RunnerContext } from '../context.ts'
import type { CacheKeeper } from '../dataset-cache/cache-keeper.ts'
import { keyOf, readAttempts } from '../jobs/read-attempts.ts'
import type { AttemptRef, Observation } from '../launchers/launcher.ts'
import { AttemptTasks } from './attempt-tasks.ts'
import { DatabaseOrchestrator } from './database-orchestrator.ts'
import { endAbandoned } from './end-abandoned.ts'
import type { LaunchInProgress } from './launch-stage.ts'
import { Launches } from './launches.ts'
import { type LeaseOwner, releaseLeases, thisOwner } from './leases.ts'
import type { Orchestrator } from './orchestrator.ts'
import { endQueuedTooLong } from './queue-pending.ts'
import { reconcileAttempt } from './reconcile-attempt.ts'
import { ResourceSampler } from './resource-sampler.ts'
import { SpoolDeliveries } from './spool-deliveries.ts'

/** Attempts that are read and observed together, and the number of such groups at the same time. */
const ATTEMPTS_PER_GROUP = 64
const GROUPS_AT_ONCE = 16
/** Longest time that a pass waits for attempts. Those that take longer are continued beside it: one must not hold up all. */
const WAIT_MS = 5000

export interface SupervisorOptions {
  /** Keeps the datasets of supervised attempts in the cache. */
  cache?: CacheKeeper | undefined
  /** Receives what ended trainers left. Default: nothing is delivered. */
  intake?: Intake | undefined
  /** Default: the database. */
  orchestrator?: Orchestrator | undefined
}

/**
 * Supervises the attempts that the orchestrator assigns to this runner, in a reconcile loop, which notifications wake and which
 * a timer wakes in case one got lost.
 */
export class Supervisor {
  readonly #context: RunnerContext
  readonly #orchestrator: Orchestrator
  readonly #cache: CacheKeeper | undefined
  readonly #launches: Launches
  readonly #stopping: AttemptTasks
  /** Attempts that are being observed or reconciled. */
  readonly #busy = new Set<string>()
  /** Delivers what ended trainers left. */
  readonly #spools: SpoolDeliveries | undefined
  readonly #sampler: ResourceSampler
  #owner: LeaseOwner | undefined
  /** Since when trainers could reach this runner and the database. */
  #listeningSince: Date
  #isStopped = true
  #isWoken = false
  /** The next search for leftovers, by the clock. */
  #searchAt = 0
  #search: Promise<void> | undefined
  #endPause: (() => void) | undefined
  #loop: Promise<void> | undefined
  #unsubscribe: (() => void) | undefined

  constructor(context: RunnerContext, options: SupervisorOptions = {}) {
    const { cache, intake, orchestrator = new DatabaseOrchestrator(context) } = options
    this.#context = context
    this.#orchestrator = orchestrator
    this.#cache = cache
    this.#listeningSince = context.clock.now()
    this.#launches = new Launches(context, () => this.#wake())
    this.#stopping = new AttemptTasks(context.logger, () => this.#wake())
    this.#sampler = new ResourceSampler(context)
    this.#spools = intake && new SpoolDeliveries({ ...context, intake }, () => this.#wake())
  }

  async start(): Promise<void> {
    if (!this.#isStopped) return
    this.#isStopped = false
    this.#listeningSince = this.#context.clock.now()
    const owner = await thisOwner(this.#context.launcher.host)
    this.#owner = owner
    this.#unsubscribe = this.#context.hub.onWake(() => this.#wake())
    await this.#removeLeftovers()
    await this.#orchestrator.start({
      owner,
      wake: () => this.#wake(),
      launch: (ref, before) => this.#launches.start(ref, before),
    })
    this.#loop = this.#run()
  }

  /** Ends the loop. Running trainers keep running. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#unsubscribe?.()
    this.#wake()
    const { limits, logger } = this.#context
    // Waits for launches, but not for the grace period of trainers that are being stopped.
    const ended = Promise.resolve(this.#loop).then(async () => {
      await Promise.all([this.#launches.stop(), this.#orchestrator.stop(), this.#search])
    })
    if (!(await endsWithin((limits.stopSeconds * 1000) / 3, ended))) {
      // The leases are kept: no other runner can take an attempt that is still being launched here until they expire.
      logger.warn({ launching: this.#launches.keys() }, 'the supervisor did not stop in time; its leases will expire')
      return
    }
    if (this.#owner !== undefined) await releaseLeases(this.#context, this.#owner)
  }

  #wake(): void {
    this.#isWoken = true
    this.#endPause?.()
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.#isWoken = false
      try {
        await this.#pass()
      } catch (error) {
        // The database may be unavailable. Trainers keep running and keep their events meanwhile.
        this.#context.logger.error({ err: error }, 'the supervisor failed; will retry')
        this.#listeningSince = this.#context.clock.now()
      }
      if (this.#isStopped || this.#isWoken) continue
      await this.#pause()
    }
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#context.limits.reconcileIntervalMs)
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#endPause = undefined
  }

  /** One pass: reconciles the attempts of this replica, and launches what the orchestrator takes from the queues. */
  async #pass(): Promise<void> {
    const context = this.#context
    await endQueuedTooLong(context)
    await endAbandoned(context)
    this.#searchLeftovers()
    const live = await this.#orchestrator.assigned()
    this.#cache?.setAttempts(live)
    await this.#reconcileAll(live)
    await this.#orchestrator.passed?.()
    for (;;) {
      const taken = new Set([...live.map(keyOf), ...this.#launches.keys()])
      const slots = Math.min(context.config.maxConcurrentJobs - taken.size, this.#launches.room)
      const claimed = await this.#orchestrator.take(slots)
      // A job that is still being returned to the queue can be claimed already. It is launched after that.
      for (const ref of claimed) void this.#launches.start(ref)
      // Repeats, because the best jobs of an owner may be in a queue that is full now, while others are not.
      if (claimed.length === 0) return
    }
  }

  async #reconcileAll(refs: readonly AttemptRef[]): Promise<void> {
    let next = 0
    const work = async () => {
      while (next < refs.length) {
        const group = refs.slice(next, next + ATTEMPTS_PER_GROUP)
        next += group.length
        await this.#reconcileGroup(group)
      }
    }
    await Promise.all(Array.from({ length: GROUPS_AT_ONCE }, work))
  }

  async #reconcileGroup(refs: readonly AttemptRef[]): Promise<void> {
    const { launcher } = this.#context
    const due = refs.filter((ref) => !this.#busy.has(keyOf(ref)))
    const seen = new Map<string, Observation | LaunchInProgress>()
    // Observed before the database is read, so that the terminal event of a trainer is seen before its exit.
    await this.#forEach(due, 'an attempt could not be observed; will retry', async (ref) => {
      seen.set(keyOf(ref), this.#launches.observe(ref) ?? (await launcher.observe(ref)))
    })
    const observed = due.filter((ref) => seen.has(keyOf(ref)))
    const rows = await readAttempts(this.#context, observed)
    const options = {
      listeningSince: this.#listeningSince,
      stopInBackground: (ref: AttemptRef, graceMs: number) => this.#stopInBackground(ref, graceMs),
      launchInBackground: (ref: AttemptRef) => this.#launchInBackground(ref),
      abortLaunch: (ref: AttemptRef) => this.#launches.abort(ref),
      spools: this.#spools,
      sampler: this.#sampler,
    }
    await this.#forEach(observed, 'an attempt could not be reconciled; will retry', async (ref) => {
      const row = rows.get(keyOf(ref))
      const observation = seen.get(keyOf(ref))
      if (row !== undefined && observation !== undefined)
        await reconcileAttempt(this.#context, { ...row, observation }, options)
    })
  }

  /** Works on all attempts at once. What takes too long goes on beside the loop; the attempt is skipped until it has ended. */
  async #forEach(
    refs: readonly AttemptRef[],
    failure: string,
    work: (ref: AttemptRef) => Promise<void>,
  ): Promise<void> {
    const { logger } = this.#context
    const all = refs.map(async (ref) => {
      const key = keyOf(ref)
      this.#busy.add(key)
      try {
        await work(ref)
      } catch (error) {
        logger.error({ err: error, ...ref }, failure)
      } finally {
        this.#busy.delete(key)
      }
    })
    if (await endsWithin(WAIT_MS, Promise.all(all))) return
    const late = refs.filter((ref) => this.#busy.has(keyOf(ref)))
    logger.warn({ attempts: late.map(keyOf) }, 'some attempts take long; the others go on')
  }

  /** Without room, the next pass tries again. */
  #launchInBackground(ref: AttemptRef): void {
    if (this.#launches.room > 0 && this.#launches.observe(ref) === undefined) void this.#launches.start(ref)
  }

  #stopInBackground(ref: AttemptRef, graceMs: number): void {
    if (!this.#stopping.has(ref)) void this.#stopping.start(ref, () => this.#context.launcher.stop(ref, graceMs))
  }

  /** Beside the loop, from time to time: a slow launcher must not hold up all attempts. */
  #searchLeftovers(): void {
    const { clock, logger } = this.#context
    if (this.#search !== undefined || clock.now().getTime() < this.#searchAt) return
    this.#search = this.#removeLeftovers()
      .catch((error: unknown) => logger.warn({ err: error }, 'what attempts left could not be removed; will retry'))
      .finally(() => {
        this.#search = undefined
      })
  }

  /**
   * Removes what is left of attempts that are recorded as cleaned up: a runner died before it had removed them, or a launch that was
   * slow created them after that.
   */
  async #removeLeftovers(): Promise<void> {
    const { launcher, database, clock, limits } = this.#context
    this.#searchAt = clock.now().getTime() + limits.leftoverSeconds * 1000
    const listed: AttemptRef[] = []
    for await (const ref of launcher.list()) listed.push(ref)
    if (listed.length === 0) return
    const rows = await database.db
      .selectFrom('attempts')
      .select(['job_id as jobId', 'attempt'])
      .where('job_id', 'in', [...new Set(listed.map(({ jobId }) => jobId))])
      .where('cleaned_at', 'is', null)
      .execute()
    const live = new Set([...rows.map(keyOf), ...this.#launches.keys()])
    for (const ref of listed) if (!live.has(keyOf(ref))) await launcher.remove(ref)
  }
}
