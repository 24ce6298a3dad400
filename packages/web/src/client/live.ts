import type { LiveEvents } from '../jobs/live-events.ts'
import { createLiveHub, type HubMessage, inLanguage, type Subscriber } from './live-hub.ts'

export type LiveHandlers = { [Name in keyof LiveEvents]: (data: LiveEvents[Name]) => void } & {
  /** Whether the stream is open. */
  connected(open: boolean): void
}

/** A hidden tab stops following after this time. */
const HIDDEN_MS = 60_000

/** Tells the hub of this browser, or of this page, which job the page follows. */
interface HubLink {
  follow(jobId: number): void
  leave(): void
}

/** Follows a job. Connections that are lost are opened again; each starts with a complete snapshot. */
export function followJob(jobId: number, workerUrl: string, handlers: LiveHandlers): void {
  let ended = false
  let following = false
  let leaving: ReturnType<typeof setTimeout> | undefined
  const link = openLink(workerUrl, (message) => {
    if (message.type === 'connected') {
      handlers.connected(message.open)
      return
    }
    if (message.name === 'end') {
      ended = true
      stop()
    }
    // Sent by our own server, from the same types.
    handlers[message.name](message.data as never)
  })

  function start(): void {
    if (following || ended) return
    following = true
    link.follow(jobId)
  }
  function stop(): void {
    if (!following) return
    following = false
    link.leave()
  }
  document.addEventListener('visibilitychange', () => {
    clearTimeout(leaving)
    if (document.hidden) leaving = setTimeout(stop, HIDDEN_MS)
    else start()
  })
  // A page that goes to the history, or away, holds nothing; it may come back.
  addEventListener('pagehide', stop)
  addEventListener('pageshow', start)
  start()
}

/** One hub for all tabs of a language; where the browser has no shared workers, one for each tab. */
function openLink(workerUrl: string, hear: (message: HubMessage) => void): HubLink {
  const worker = openWorker(workerUrl)
  if (worker !== undefined) {
    worker.port.onmessage = ({ data }: MessageEvent<HubMessage>) => hear(data)
    return {
      follow: (jobId) => worker.port.postMessage({ follow: jobId }),
      leave: () => worker.port.postMessage({}),
    }
  }
  const hub = createLiveHub((url) => new EventSource(inLanguage(url, document.documentElement.lang)))
  let subscriber: Subscriber | undefined
  return {
    follow(jobId) {
      subscriber = { jobId, post: hear }
      hub.add(subscriber)
    },
    leave() {
      if (subscriber !== undefined) hub.remove(subscriber)
      subscriber = undefined
    },
  }
}

function openWorker(url: string): SharedWorker | undefined {
  try {
    return typeof SharedWorker === 'undefined'
      ? undefined
      : new SharedWorker(url, { name: document.documentElement.lang })
  } catch {
    // Forbidden, for example in a private window.
    return undefined
  }
}
