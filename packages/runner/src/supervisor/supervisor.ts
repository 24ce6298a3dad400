import type { RunnerContext } from '../context.ts'
import type { AttemptRef } from '../launchers/launcher.ts'
import { launchAttempt } from './launch-attempt.ts'
import { claimAttempts, claimQueued, type LeaseOwner, releaseLeases, thisOwner } from './leases.ts'
import { endAbandoned, endQueuedTooLong, queuePending } from './queue.ts'
import { reconcileAttempt } from './reconcile-attempt.ts'

export interface Supervisor {
  start(): Promise<void>
  /** Ends the loop; running trainers run on. */
  stop(): Promise<void>
}

const keyOf = (ref: AttemptRef) => `${ref.jobId}.${ref.attempt}`

/** A reconcile loop: woken by notifications, and by a clock in case one got lost. */
export function createSupervisor(context: RunnerContext): Supervisor {
  const { logger, hub } = context
  const launching = new Map<string, Promise<void>>()
  const stopping = new Map<string, Promise<void>>()
  const reconciling = new Set<string>()
  let owner: LeaseOwner | undefined
  let listeningSince = context.clock.now()
  let stopped = true
  let woken = false
  let wakeLoop: (() => void) | undefined
  let loop: Promise<void> | undefined
  let unsubscribe: (() => void) | undefined

  const wake = () => {
    woken = true
    wakeLoop?.()
  }
  /** Runs something beside the loop, at most once at a time for an attempt. */
  const inBackground = (running: Map<string, Promise<void>>, ref: AttemptRef, work: () => Promise<void>) => {
    const key = keyOf(ref)
    if (running.has(key)) return
    const done = work()
      .catch((error: unknown) => logger.error({ err: error, ...ref }, 'supervising an attempt failed'))
      .finally(() => {
        running.delete(key)
        wake()
      })
    running.set(key, done)
  }
  const stopInBackground = (ref: AttemptRef, graceMs: number) =>
    inBackground(stopping, ref, () => context.launcher.stop(ref, graceMs))

  const reconcile = async (ref: AttemptRef) => {
    const key = keyOf(ref)
    if (launching.has(key) || reconciling.has(key)) return
    reconciling.add(key)
    try {
      await reconcileAttempt(context, ref, { listeningSince, stopInBackground })
    } catch (error) {
      logger.error({ err: error, ...ref }, 'an attempt could not be reconciled; it is tried again')
    } finally {
      reconciling.delete(key)
    }
  }

  const tick = async (me: LeaseOwner) => {
    await queuePending(context)
    await endQueuedTooLong(context)
    await endAbandoned(context)
    const alive = await claimAttempts(context, me)
    await Promise.all(alive.map(reconcile))
    const taken = new Set([...alive.map(keyOf), ...launching.keys()])
    const places = context.config.maxConcurrentJobs - taken.size
    for (const ref of await claimQueued(context, me, places))
      inBackground(launching, ref, () => launchAttempt(context, ref))
  }

  const run = async (me: LeaseOwner) => {
    while (!stopped) {
      woken = false
      try {
        await tick(me)
      } catch (error) {
        // The database may be away; trainers go on and keep their events meanwhile.
        logger.error({ err: error }, 'the supervisor could not look after its jobs; it tries again')
        listeningSince = context.clock.now()
      }
      if (stopped || woken) continue
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, context.limits.reconcileIntervalMs)
        wakeLoop = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      wakeLoop = undefined
    }
  }

  return {
    async start() {
      if (!stopped) return
      stopped = false
      listeningSince = context.clock.now()
      const me = await thisOwner(context.launcher.host)
      owner = me
      unsubscribe = hub.onWake(wake)
      await removeLeftovers(context)
      loop = run(me)
    },
    async stop() {
      if (stopped) return
      stopped = true
      unsubscribe?.()
      wake()
      await loop
      // Launches are brought to their end; a trainer's grace is not waited for.
      await Promise.allSettled(launching.values())
      if (owner !== undefined) await releaseLeases(context, owner, logger)
    },
  }
}

/** Folders of attempts that were written down as cleaned, by a runner that died before it had deleted them. */
async function removeLeftovers(context: RunnerContext): Promise<void> {
  for await (const ref of context.launcher.list()) {
    const attempt = await context.database.db
      .selectFrom('attempts')
      .select('cleaned_at')
      .where('job_id', '=', ref.jobId)
      .where('attempt', '=', ref.attempt)
      .executeTakeFirst()
    if (attempt === undefined || attempt.cleaned_at !== null) await context.launcher.remove(ref)
  }
}
