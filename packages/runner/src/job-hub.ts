import type { Database, Logger } from '@trainyard/platform'
import { newId } from '@trainyard/platform'
import { z } from 'zod'

const Message = z.object({ from: z.string(), jobs: z.array(z.number().int()), wake: z.boolean() })

/** How long changes are gathered before other replicas are told; keeps NOTIFY off the hot path. */
const GATHER_MS = 10
/** NOTIFY carries at most 8,000 bytes. */
const MAX_JOBS_PER_MESSAGE = 400

/** Fan-out of "this job changed" to everybody who watches it, here and in other replicas. */
export interface JobHub {
  changed(jobId: number): void
  /** Asks the supervisors to look now. */
  wake(): void
  watch(jobId: number, listener: () => void): () => void
  onWake(listener: () => void): () => void
  start(): Promise<void>
  stop(): Promise<void>
}

export function createJobHub<DB>(database: Database<DB>, logger: Logger): JobHub {
  const me = newId('hub')
  const watchers = new Map<number, Set<() => void>>()
  const wakers = new Set<() => void>()
  const gathered = new Set<number>()
  let wakeOthers = false
  let timer: NodeJS.Timeout | undefined
  let unlisten: (() => Promise<void>) | undefined

  const tell = (jobId: number) => {
    for (const listener of watchers.get(jobId) ?? []) listener()
  }
  const tellWakers = () => {
    for (const listener of wakers) listener()
  }

  const flush = async () => {
    timer = undefined
    const jobs = [...gathered]
    const wake = wakeOthers
    gathered.clear()
    wakeOthers = false
    for (let from = 0; from === 0 || from < jobs.length; from += MAX_JOBS_PER_MESSAGE) {
      const part = jobs.slice(from, from + MAX_JOBS_PER_MESSAGE)
      await database.notify('jobs', JSON.stringify({ from: me, jobs: part, wake }))
    }
  }
  const gather = () => {
    timer ??= setTimeout(() => {
      // Whoever misses a notification still sees the change at the next heartbeat of the stream.
      flush().catch((error: unknown) => logger.warn({ err: error }, 'could not tell other replicas about changes'))
    }, GATHER_MS)
    timer.unref()
  }

  return {
    changed(jobId) {
      tell(jobId)
      gathered.add(jobId)
      gather()
    },
    wake() {
      tellWakers()
      wakeOthers = true
      gather()
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
    async start() {
      unlisten ??= await database.listen(
        'jobs',
        (payload) => {
          const message = Message.safeParse(JSON.parse(payload))
          if (!message.success || message.data.from === me) return
          for (const jobId of message.data.jobs) tell(jobId)
          if (message.data.wake) tellWakers()
        },
        {
          // What was said while the connection was lost is gone: everything may have changed.
          onReconnect() {
            for (const jobId of watchers.keys()) tell(jobId)
            tellWakers()
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
