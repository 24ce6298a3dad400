import { endsWithin } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'
import type { CacheKeeper } from '../dataset-cache/cache-keeper.ts'
import { keyOf, readAttempts } from '../jobs/read-attempts.ts'
import type { AttemptRef } from '../launchers/launcher.ts'
import { launchAttempt } from './launch-attempt.ts'
import { claimAttempts, claimJobs, deadOwners, type LeaseOwner, releaseLeases, thisOwner } from './leases.ts'
import { endAbandoned, endQueuedTooLong, queuePending } from './queue.ts'
import { reconcileAttempt } from './reconcile-attempt.ts'

export interface Supervisor {
  start(): Promise<void>
  /** Ends the loop; running trainers run on. */
  stop(): Promise<void>
}

/** Looks that go on at the same time, and the rows that one statement reads. */
const LOOKS_AT_ONCE = 16
const REFS_PER_LOOK = 64

async function inParts(refs: readonly AttemptRef[], work: (part: readonly AttemptRef[]) => Promise<void>) {
  let next = 0
  const worker = async () => {
    while (next < refs.length) {
      const part = refs.slice(next, next + REFS_PER_LOOK)
      next += part.length
      await work(part)
    }
  }
  await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, worker))
}

/** A reconcile loop, which also tells `cache` whose datasets it keeps: woken by notifications, and by a clock in case one got lost. */
export function createSupervisor(context: RunnerContext, cache?: CacheKeeper): Supervisor {
  const { logger, hub } = context
  const launching = new Map<string, Promise<void>>()
  const stopping = new Map<string, Promise<void>>()
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
  /** Runs something beside the loop; for an attempt one thing at a time. */
  const inBackground = (running: Map<string, Promise<void>>, ref: AttemptRef, work: () => Promise<void>) => {
    const key = keyOf(ref)
    const done = (running.get(key) ?? Promise.resolve())
      .then(work)
      .catch((error: unknown) => logger.error({ err: error, ...ref }, 'supervising an attempt failed'))
      .finally(() => {
        if (running.get(key) === done) running.delete(key)
        wake()
      })
    running.set(key, done)
  }
  const stopInBackground = (ref: AttemptRef, graceMs: number) => {
    if (!stopping.has(keyOf(ref))) inBackground(stopping, ref, () => context.launcher.stop(ref, graceMs))
  }

  const look = async (refs: readonly AttemptRef[]) => {
    // Looked at before the database is read: a trainer that says its last word and exits is seen in this order.
    const seen = await Promise.all(
      refs.map(async (ref) => {
        try {
          return { ref, observation: await context.launcher.observe(ref) }
        } catch (error) {
          logger.error({ err: error, ...ref }, 'an attempt could not be looked at; it is tried again')
          return undefined
        }
      }),
    )
    const rows = await readAttempts(context, refs)
    await Promise.all(
      seen.map(async (one) => {
        const known = one === undefined ? undefined : rows.get(keyOf(one.ref))
        if (one === undefined || known === undefined) return
        try {
          const { observation } = one
          await reconcileAttempt(context, { ...known, observation }, { listeningSince, stopInBackground })
        } catch (error) {
          logger.error({ err: error, ...one.ref }, 'an attempt could not be reconciled; it is tried again')
        }
      }),
    )
  }

  const tick = async (me: LeaseOwner) => {
    await queuePending(context)
    await endQueuedTooLong(context)
    await endAbandoned(context)
    const dead = await deadOwners(context, me)
    const alive = await claimAttempts(context, me, dead)
    cache?.setAttempts(alive)
    await inParts(
      alive.filter((ref) => !launching.has(keyOf(ref))),
      look,
    )
    for (;;) {
      const taken = new Set([...alive.map(keyOf), ...launching.keys()])
      const claimed = await claimJobs(context, me, dead, context.config.maxConcurrentJobs - taken.size)
      // One that is still being put back into the queue can be claimed already: it is launched after that.
      for (const ref of claimed) inBackground(launching, ref, () => launchAttempt(context, ref))
      // One owner's best jobs may be of a queue that these filled; then its others have their turn.
      if (claimed.length === 0) return
    }
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
      // Launches are brought to their end; a trainer's grace is not waited for.
      const atRest = Promise.resolve(loop).then(() => Promise.allSettled(launching.values()))
      if (!(await endsWithin((context.limits.stopSeconds * 1000) / 3, atRest))) {
        // Nobody else may take what is still being launched here: the leases run out by themselves, or with this process.
        logger.warn({ launching: [...launching.keys()] }, 'the supervisor did not come to rest; its leases run out')
        return
      }
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
