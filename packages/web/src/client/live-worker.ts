import { createLiveHub, type Subscriber } from './live-hub.ts'

/* A SharedWorker: one for all tabs of a browser. */

const hub = createLiveHub((url) => new EventSource(url))

// The types of the page and of a worker cannot be loaded together.
const scope = globalThis as unknown as { onconnect: ((event: MessageEvent) => void) | null }

scope.onconnect = ({ ports: [port] }) => {
  if (port === undefined) return
  let subscriber: Subscriber | undefined
  port.onmessage = ({ data }: MessageEvent<{ follow?: number }>) => {
    if (subscriber !== undefined) hub.remove(subscriber)
    subscriber =
      data.follow === undefined ? undefined : { jobId: data.follow, post: (message) => port.postMessage(message) }
    if (subscriber !== undefined) hub.add(subscriber)
  }
}
