import { setTimeout as sleep } from 'node:timers/promises'
import { endsWithin } from '@trainyard/platform'
import type { TemporalConfig } from '../../config/orchestrators.ts'
import type { RunnerContext } from '../../context.ts'
import { keyOf } from '../../jobs/read-attempts.ts'
import type { AttemptRef } from '../../launchers/launcher.ts'
import { claimAttempts, claimJobs, deadOwners, extendLease, releaseLease } from '../../supervisor/leases.ts'
import type { Orchestrator, Supervision } from '../../supervisor/orchestrator.ts'
import { type HeldAttempts, launchVerbs, sharedVerbs, supervisionVerbs } from './activities.ts'
import { LaunchSteps } from './launch-steps.ts'
import { findDue, findOrphans, overAttempts } from './lost-jobs.ts'
import { Reporter } from './reporter.ts'
import { Session } from './session.ts'
import { type TaskQueues, taskQueuesOf } from './task-queues.ts'
import type { Admission } from './verbs.ts'

/** Pause between two searches for jobs that no workflow cares for. */
const SEARCH_MS = 2000
const RECONNECT_MS = 1000
/** How long the start of the runner waits for the first connection. */
const CONNECT_MS = 10_000

interface Held {
  ref: AttemptRef
  /** Undefined: the attempt was launched by another process, or before. */
  steps: LaunchSteps | undefined
  over: PromiseWithResolvers<void>
}

/**
 * A workflow of Temporal for each job. The rule that chooses queued jobs, the leases and the supervision of attempts are the same
 * as with the database alone: the workflow decides when they are used.
 */
export class TemporalOrchestrator implements Orchestrator, HeldAttempts {
  readonly #context: RunnerContext
  readonly #config: TemporalConfig
  readonly #backends: readonly string[]
  readonly #queues: TaskQueues
  readonly #reporter: Reporter
  /** Attempts that this process is responsible for. It stays so while Temporal is away. */
  readonly #held = new Map<string, Held>()
  /** Jobs that were taken and not launched yet, and until when their workflow can come for them. */
  readonly #admitted = new Map<string, number>()
  #supervision: Supervision | undefined
  #dead: string[] = []
  #session: Session | undefined
  #searchedAt = Number.NEGATIVE_INFINITY
  #stopped = new AbortController()
  #loop: Promise<void> | undefined
  #unsubscribe: (() => void) | undefined

  constructor(context: RunnerContext, config: TemporalConfig, { backends }: { backends: readonly string[] }) {
    this.#context = context
    this.#config = config
    this.#backends = backends
    this.#queues = taskQueuesOf({ instanceId: context.instanceId, leaseSeconds: context.limits.leaseSeconds })
    this.#reporter = new Reporter(context, (...signal) => this.#signal(...signal))
  }

  async start(supervision: Supervision): Promise<void> {
    this.#supervision = supervision
    this.#stopped = new AbortController()
    this.#unsubscribe = this.#context.hub.onChange((jobId) => this.#reporter.changed(jobId))
    const tried = Promise.withResolvers<void>()
    this.#loop = this.#stayConnected(supervision, tried.resolve)
    // A wrong address is in the log before the runner listens. One that does not answer delays nothing for long.
    await endsWithin(CONNECT_MS, tried.promise)
  }

  async assigned(): Promise<AttemptRef[]> {
    if (this.#supervision === undefined) return []
    const { owner } = this.#supervision
    this.#dead = await deadOwners(this.#context, owner)
    await this.#search()
    const jobIds = [...new Set([...this.#held.values()].map(({ ref }) => ref.jobId))]
    if (jobIds.length === 0) return []
    const refs = await claimAttempts(this.#context, owner, { dead: this.#dead, jobIds })
    return refs.filter((ref) => this.#held.has(keyOf(ref)))
  }

  async passed(): Promise<void> {
    const settled = [...this.#held.values()].filter(({ steps }) => steps === undefined || steps.hasEnded)
    for (const ref of await overAttempts(
      this.#context,
      settled.map(({ ref }) => ref),
    )) {
      this.#held.get(keyOf(ref))?.over.resolve()
      this.#held.delete(keyOf(ref))
    }
  }

  /** The workflows of the jobs that it takes have them launched, here. */
  async take(slots: number): Promise<AttemptRef[]> {
    const { owner } = this.#supervision ?? {}
    if (owner === undefined || this.#session === undefined) return []
    const now = performance.now()
    for (const [key, until] of this.#admitted) if (until < now) this.#admitted.delete(key)
    for (;;) {
      const refs = await claimJobs(this.#context, owner, this.#dead, slots - this.#admitted.size)
      if (refs.length === 0) return []
      for (const ref of refs) this.#admit(ref, owner.name)
    }
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.()
    this.#stopped.abort()
    await this.#loop
  }

  async validate(ref: AttemptRef): Promise<boolean> {
    const supervision = this.#supervision
    this.#admitted.delete(keyOf(ref))
    // Its lease may have expired before its workflow came, and another runner may have taken it.
    if (supervision === undefined || !(await extendLease(this.#context, supervision.owner, ref))) return false
    const held = this.#hold(ref)
    const waitMs = this.#context.limits.leaseSeconds * 1000
    // An ended one was of an earlier turn, after which the job went back to its queue.
    if (held.steps === undefined || held.steps.hasEnded)
      held.steps = new LaunchSteps((before) => supervision.launch(ref, before), waitMs)
    return await held.steps.reached('prepare')
  }

  async prepare(ref: AttemptRef): Promise<boolean> {
    const steps = this.#held.get(keyOf(ref))?.steps
    steps?.allow('prepare')
    return (await steps?.reached('launch')) ?? false
  }

  async launch(ref: AttemptRef): Promise<boolean> {
    const steps = this.#held.get(keyOf(ref))?.steps
    steps?.allow('launch')
    await steps?.ended()
    return steps !== undefined
  }

  async supervise(ref: AttemptRef): Promise<void> {
    const held = this.#hold(ref)
    held.steps?.allow('prepare')
    held.steps?.allow('launch')
    this.#supervision?.wake()
    await held.over.promise
  }

  #hold(ref: AttemptRef): Held {
    const known = this.#held.get(keyOf(ref))
    if (known !== undefined) return known
    const held: Held = { ref, steps: undefined, over: Promise.withResolvers() }
    this.#held.set(keyOf(ref), held)
    return held
  }

  #admit(ref: AttemptRef, owner: string): void {
    const { heartbeatMs } = this.#queues
    this.#admitted.set(keyOf(ref), performance.now() + heartbeatMs)
    const admission: Admission = { attempt: ref.attempt, queue: this.#queues.ofProcess(owner), heartbeatMs }
    void this.#signal(ref.jobId, 'admitted', [admission]).then(async (isSent) => {
      if (isSent) return
      // Another runner, or this one, takes it again.
      this.#admitted.delete(keyOf(ref))
      await this.#context.database.transaction((trx) => releaseLease(trx, ref.jobId)).catch(() => {})
    })
  }

  /** Jobs without a workflow: of before Temporal was chosen, or whose signal was lost. Attempts whose supervisor died. */
  async #search(): Promise<void> {
    if (this.#session === undefined || performance.now() - this.#searchedAt < SEARCH_MS) return
    this.#searchedAt = performance.now()
    for (const jobId of await findDue(this.#context)) this.#reporter.changed(jobId, { again: true })
    const orphans = await findOrphans(this.#context, this.#dead)
    for (const ref of orphans) if (!this.#held.has(keyOf(ref))) void this.#signal(ref.jobId, 'orphaned', [])
  }

  /** Sends a signal to the workflow of a job. Starts the workflow unless the job has ended. False: Temporal did not take it. */
  async #signal(
    jobId: number,
    name: string,
    values: unknown[],
    options: { isOver?: boolean; priority?: { priorityKey: number; fairnessKey: string } } = {},
  ): Promise<boolean> {
    try {
      await this.#session?.signal(this.#queues.workflowId(jobId), { ...options, name, values, jobId })
      return this.#session !== undefined
    } catch (error) {
      this.#context.logger.warn({ err: error, jobId, signal: name }, 'a workflow could not be told; trying again')
      return false
    }
  }

  /** Works for Temporal, and connects again whenever that ends. Supervised attempts go on meanwhile. */
  async #stayConnected({ owner, wake }: Supervision, onTried: () => void): Promise<void> {
    const { logger } = this.#context
    const { signal } = this.#stopped
    const { shared, ofHost, ofProcess } = this.#queues
    const verbs = {
      [shared]: sharedVerbs(this.#context, this.#queues, { backends: this.#backends }),
      [ofHost(owner.host)]: supervisionVerbs(this, this.#queues),
      [ofProcess(owner.name)]: { ...launchVerbs(this, this.#queues), ...supervisionVerbs(this, this.#queues) },
    }
    while (!signal.aborted) {
      try {
        const session = await Session.open(this.#config, { logger, shared, verbs })
        this.#session = session
        this.#searchedAt = Number.NEGATIVE_INFINITY
        onTried()
        wake()
        await session.run(signal)
      } catch (error) {
        logger.warn(
          { err: error, address: this.#config.address },
          'Temporal cannot be reached; queued jobs wait for it',
        )
      }
      this.#session = undefined
      onTried()
      if (!signal.aborted) await sleep(RECONNECT_MS, undefined, { signal }).catch(() => {})
    }
  }
}
