import type { LiveEvents } from '../jobs/live-events.ts'

/** What a page hears from a hub. */
export type HubMessage =
  | { type: 'event'; name: keyof LiveEvents; data: unknown }
  /** Whether the one connection is open. */
  | { type: 'connected'; open: boolean }

/** A page that follows a job. */
export interface Subscriber {
  jobId: number
  post(message: HubMessage): void
}

/** The part of `EventSource` that a hub uses. */
export interface LiveSource {
  readyState: number
  addEventListener(name: string, listener: (event: { data: string }) => void): void
  close(): void
}

export interface LiveHub {
  add(subscriber: Subscriber): void
  remove(subscriber: Subscriber): void
}

/** A worker has no page, and its requests need not name the languages of one. */
export const inLanguage = (url: string, language: string): string => `${url}&language=${encodeURIComponent(language)}`

const CLOSED = 2
/** Time in which tabs that open together share a new connection. */
const GATHER_MS = 50
/** Pause before a refused stream is opened again. */
const RETRY_MS = 3000

/**
 * One connection for all pages of a browser, because a browser opens at most six to a server. It is opened again when a page
 * joins: each connection starts with a complete snapshot of every job.
 */
export function createLiveHub(open: (url: string) => LiveSource): LiveHub {
  const subscribers = new Set<Subscriber>()
  const ended = new Set<number>()
  let source: LiveSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined

  const connectIn = (ms: number) => {
    clearTimeout(timer)
    timer = setTimeout(connect, ms)
  }
  const close = () => {
    source?.close()
    source = undefined
  }
  const wanted = () => [...new Set([...subscribers].map(({ jobId }) => jobId))].filter((id) => !ended.has(id)).sort()

  function connect(): void {
    close()
    const ids = wanted()
    if (ids.length === 0) return
    const stream = open(`/jobs/live?ids=${ids.join(',')}`)
    source = stream
    const tell = (isOpen: boolean) => {
      for (const subscriber of subscribers) {
        if (ids.includes(subscriber.jobId)) subscriber.post({ type: 'connected', open: isOpen })
      }
    }
    stream.addEventListener('open', () => tell(true))
    stream.addEventListener('error', () => {
      if (source !== stream) return
      tell(false)
      // After an answer other than 200, for example 503, the browser does not reconnect.
      if (stream.readyState === CLOSED) connectIn(RETRY_MS)
    })
    stream.addEventListener('job', ({ data }) => {
      // Sent by our own server, from the same types.
      const message = JSON.parse(data) as { jobId: number; name: keyof LiveEvents; data: unknown }
      if (message.name === 'end') ended.add(message.jobId)
      for (const subscriber of subscribers) {
        if (subscriber.jobId === message.jobId)
          subscriber.post({ type: 'event', name: message.name, data: message.data })
      }
      if (source === stream && wanted().length === 0) close()
    })
  }

  return {
    add(subscriber) {
      subscribers.add(subscriber)
      // A job that was restarted is followed again.
      ended.delete(subscriber.jobId)
      connectIn(GATHER_MS)
    },
    remove(subscriber) {
      if (!subscribers.delete(subscriber)) return
      if (wanted().length === 0) {
        clearTimeout(timer)
        close()
      }
    },
  }
}
