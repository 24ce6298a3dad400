import { type Database, type Logger, newId } from '@trainyard/platform'
import { z } from 'zod'

const Message = z.object({ from: z.string(), jobs: z.array(z.number().int()), wake: z.boolean() })

/** How long changes are collected before other replicas are notified; keeps NOTIFY off the hot path. */
const COLLECT_MS = 10
/** The payload of NOTIFY is limited to 8,000 bytes. */
const MAX_JOBS_PER_MESSAGE = 400

/** Tells the watchers of a job, in this process and in other replicas, that it changed. */
export interface JobHub {
  changed(jobId: number): void
  /** Asks the supervisors of all replicas for a pass now. */
  wake(): void
  /** Calls the listener after each change of the job. Returns a function that removes it. */
  watch(jobId: number, listener: () => void): () => void
  onWake(listener: () => void): () => void
  /** Calls the listener with each job that this process changed. Returns a function that removes it. */
  onChange(listener: (jobId: number) => void): () => void
  start(): Promise<void>
  stop(): Promise<void>
}

export function createJobHub<DB>(database: Database<DB>, logger: Logger): JobHub {
  const me = newId('hub')
  const watchers = new Map<number, Set<() => void>>()
  const wakers = new Set<() => void>()
  const changeListeners = new Set<(jobId: number) => void>()
  const collected = new Set<number>()
  let wakeOthers = false
  let timer: NodeJS.Timeout | undefined
  let unlisten: (() => Promise<void>) | undefined

  const notifyWatchers = (jobId: number) => {
    for (const listener of watchers.get(jobId) ?? []) listener()
  }
  const notifyWakers = () => {
    for (const listener of wakers) listener()
  }

  const flush = async () => {
    timer = undefined
    const jobs = [...collected]
    const wake = wakeOthers
    collected.clear()
    wakeOthers = false
    for (let from = 0; from === 0 || from < jobs.length; from += MAX_JOBS_PER_MESSAGE) {
      const part = jobs.slice(from, from + MAX_JOBS_PER_MESSAGE)
      await database.notify('jobs', JSON.stringify({ from: me, jobs: part, wake }))
    }
  }
  const scheduleFlush = () => {
    timer ??= setTimeout(() => {
      // A replica that misses a notification sees the change when it reads the job again.
      flush().catch((error: unknown) => logger.warn({ err: error }, 'could not notify other replicas of changes'))
    }, COLLECT_MS)
    timer.unref()
  }

  return {
    changed(jobId) {
      notifyWatchers(jobId)
      for (const listener of changeListeners) listener(jobId)
      collected.add(jobId)
      scheduleFlush()
    },
    wake() {
      notifyWakers()
      wakeOthers = true
      scheduleFlush()
    },
    watch(jobId, listener) {
      const listeners = watchers.get(jobId) ?? new Set()
      watchers.set(jobId, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && watchers.get(jobId) === listeners) watchers.delete(jobId)
      }
    },
    onWake(listener) {
      wakers.add(listener)
      return () => void wakers.delete(listener)
    },
    onChange(listener) {
      changeListeners.add(listener)
      return () => void changeListeners.delete(listener)
    },
    async start() {
      unlisten ??= await database.listen(
        'jobs',
        (payload) => {
          const message = Message.safeParse(JSON.parse(payload))
          if (!message.success || message.data.from === me) return
          for (const jobId of message.data.jobs) notifyWatchers(jobId)
          if (message.data.wake) notifyWakers()
        },
        {
          // Notifications sent while the connection was lost are gone: every job may have changed.
          onReconnect() {
            for (const jobId of watchers.keys()) notifyWatchers(jobId)
            notifyWakers()
          },
        },
      )
    },
    async stop() {
      clearTimeout(timer)
      timer = undefined
      await unlisten?.()
      unlisten = undefined
    },
  }
}
