import { PassThrough } from 'node:stream'
import { type KubeConfig, Log, type LogOptions } from '@kubernetes/client-node'
import { CONTAINER } from './names.ts'

export interface ReadLogOptions {
  namespace: string
  pod: string
  /** Keeps the log open while the container runs. */
  follow: boolean
  /** Lines from this second on. The API server ignores the fraction. */
  since?: Date | undefined
  signal: AbortSignal
  /** A stream without data for this long is closed, because it can hang. Default: 60,000. */
  idleMs?: number | undefined
}

/**
 * The text of a container's log, each line with its time. Ends when the log ends, and throws when the connection breaks.
 *
 * The client library's `Log` pipes the response into a stream without an error handler, so a reset would end the process, and
 * it does not report that the response ended early. Both are detected on the stream that it pipes into.
 */
export async function* readLog(kubeConfig: KubeConfig, options: ReadLogOptions): AsyncGenerator<string> {
  const { namespace, pod, follow, since, signal, idleMs = 60_000 } = options
  signal.throwIfAborted()
  const text = new PassThrough()
  text.setEncoding('utf8')
  const fail = (error: unknown) => text.destroy(error instanceof Error ? error : new Error(String(error)))
  text.on('error', () => {})
  text.once('pipe', (source) => source.on('error', fail))
  const idle = setTimeout(() => fail(new Error(`the log of ${pod} sent no data for ${idleMs} ms`)), idleMs)
  const abort = () => fail(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  const logOptions: LogOptions = { follow, timestamps: true }
  if (since !== undefined) logOptions.sinceTime = since.toISOString()
  let request: AbortController | undefined
  const opening = new Log(kubeConfig).log(namespace, pod, CONTAINER, text, logOptions).then((controller) => {
    request = controller
    if (text.destroyed) controller.abort()
  })
  // The request itself can fail, too.
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
