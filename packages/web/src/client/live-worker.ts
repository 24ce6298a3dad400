import { createLiveHub, inLanguage, type Subscriber } from './live-hub.ts'

/* A SharedWorker: one for all tabs of a browser, and of a language, which is its name. */

// The types of the page and of a worker cannot be loaded together.
const scope = globalThis as unknown as { name: string; onconnect: ((event: MessageEvent) => void) | null }

const hub = createLiveHub((url) => new EventSource(inLanguage(url, scope.name)))

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
