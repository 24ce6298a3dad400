import { PassThrough } from 'node:stream'
import { type KubeConfig, Log } from '@kubernetes/client-node'
import { CONTAINER } from './names.ts'

export interface ReadLogOptions {
  namespace: string
  pod: string
  /** Goes on while the container writes. */
  follow: boolean
  /** Lines from this second on; the API server drops the fraction. */
  since?: Date
  signal: AbortSignal
  /** A stream that says nothing for so long is given up: it may hang. Default: 60,000. */
  idleMs?: number
}

/**
 * The text of a container's log, each line with its time. Ends when the log ends; a broken connection throws here.
 *
 * The client's own `Log` pipes the answer into a stream without listening to its errors, so a reset would end the whole
 * process, and it tells nobody when the answer ends early. Both are seen from the stream that it pipes into.
 */
export async function* readLog(kubeConfig: KubeConfig, options: ReadLogOptions): AsyncGenerator<string> {
  const { namespace, pod, follow, since, signal, idleMs = 60_000 } = options
  signal.throwIfAborted()
  const text = new PassThrough()
  text.setEncoding('utf8')
  const fail = (error: unknown) => text.destroy(error instanceof Error ? error : new Error(String(error)))
  text.on('error', () => {})
  text.once('pipe', (source) => source.on('error', fail))
  const idle = setTimeout(() => fail(new Error(`the log of ${pod} said nothing for ${idleMs} ms`)), idleMs)
  const abort = () => fail(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  let request: AbortController | undefined
  const opening = new Log(kubeConfig)
    .log(namespace, pod, CONTAINER, text, {
      follow,
      timestamps: true,
      ...(since === undefined ? {} : { sinceTime: since.toISOString() }),
    })
    .then((controller) => {
      request = controller
      if (text.destroyed) controller.abort()
    })
  // The request itself may hang as well: whichever comes first.
  opening.catch(fail)
  try {
    for await (const chunk of text) {
      idle.refresh()
      yield String(chunk)
    }
  } finally {
    clearTimeout(idle)
    signal.removeEventListener('abort', abort)
    request?.abort()
    text.destroy()
  }
}
