import { setTimeout as sleep } from 'node:timers/promises'
import { type V1Pod, Watch } from '@kubernetes/client-node'
import type { Logger } from '@trainyard/platform'
import { type KubernetesClient, persistently } from './client.ts'

export interface WatchPodsOptions {
  client: KubernetesClient
  namespace: string
  selector: string
  logger: Logger
  /** Everything is listed anew after this, whatever the watch said. Default: 300,000. */
  relistMs?: number
  /** The server ends a watch after this. Default: 240. */
  watchSeconds?: number
}

export interface PodWatch {
  /** What was last seen of an attempt's pod, by the name of its Job. A hint: it may be old. */
  find(jobName: string): V1Pod | undefined
  /** How often everything was listed, and how often watching broke off. */
  readonly counts: { lists: number; watches: number; failures: number }
  close(): void
}

const PAGE_SIZE = 500
const MAX_PAUSE_MS = 10_000
const JOB_NAME = 'batch.kubernetes.io/job-name'

/**
 * LIST, then WATCH from there. The client's informer stops for good after one broken connection, so the loop is ours: a
 * watch that ends or breaks goes on from the last version seen, an expired version (410) lists anew.
 */
export function watchPods(options: WatchPodsOptions): PodWatch {
  const { client, namespace, selector, logger, relistMs = 300_000, watchSeconds = 240 } = options
  const closed = new AbortController()
  const counts = { lists: 0, watches: 0, failures: 0 }
  let pods = new Map<string, V1Pod>()

  const list = async (): Promise<string | undefined> => {
    const seen = new Map<string, V1Pod>()
    let next: string | undefined
    let version: string | undefined
    do {
      const query = { namespace, labelSelector: selector, limit: PAGE_SIZE, ...(next ? { _continue: next } : {}) }
      const page = await persistently(() => client.core.listNamespacedPod(query))
      for (const pod of page.items) put(seen, pod)
      next = page.metadata?._continue
      version = page.metadata?.resourceVersion
    } while (next)
    pods = seen
    counts.lists++
    return version
  }

  /** Resolves when the watch is over: with the version to go on from, or undefined when that is too old. */
  const watch = async (from: string): Promise<string | undefined> => {
    let version: string | undefined = from
    counts.watches++
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const query = {
      labelSelector: selector,
      resourceVersion: from,
      allowWatchBookmarks: true,
      timeoutSeconds: watchSeconds,
    }
    const request = await new Watch(client.kubeConfig).watch(
      `/api/v1/namespaces/${namespace}/pods`,
      query,
      (phase: string, object: V1Pod & { code?: number }) => {
        if (phase === 'ERROR') {
          if (object.code === 410) version = undefined
          return
        }
        version = object.metadata?.resourceVersion ?? version
        if (phase === 'ADDED' || phase === 'MODIFIED') put(pods, object)
        if (phase === 'DELETED') remove(pods, object)
      },
      (error: unknown) => {
        if (isExpired(error)) version = undefined
        // No news for a while is how most watches end.
        if (error && !isExpired(error) && !isTimeout(error)) reject(error)
        else resolve()
      },
    )
    const abort = () => request.abort()
    closed.signal.addEventListener('abort', abort, { once: true })
    try {
      await promise
    } finally {
      closed.signal.removeEventListener('abort', abort)
      abort()
    }
    return version
  }

  const run = async () => {
    let version: string | undefined
    let listedAt = 0
    let pauseMs = 100
    while (!closed.signal.aborted) {
      try {
        if (version === undefined || performance.now() - listedAt > relistMs) {
          version = await list()
          listedAt = performance.now()
        }
        if (version !== undefined && !closed.signal.aborted) version = await watch(version)
        pauseMs = 100
      } catch (error) {
        if (closed.signal.aborted) return
        counts.failures++
        logger.debug({ err: error }, 'watching pods broke off; it goes on from what was last seen')
        // A server that came back may have forgotten: after several failures everything is listed.
        if (pauseMs > 1000) version = undefined
        await sleep(pauseMs, undefined, { signal: closed.signal, ref: false }).catch(() => {})
        pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)
      }
    }
  }
  run().catch((error: unknown) => logger.error({ err: error }, 'watching pods failed'))

  return { find: (jobName) => pods.get(jobName), counts, close: () => closed.abort() }
}

function put(pods: Map<string, V1Pod>, pod: V1Pod): void {
  const name = pod.metadata?.labels?.[JOB_NAME]
  if (name !== undefined) pods.set(name, pod)
}

function remove(pods: Map<string, V1Pod>, pod: V1Pod): void {
  const name = pod.metadata?.labels?.[JOB_NAME]
  if (name !== undefined && pods.get(name)?.metadata?.uid === pod.metadata?.uid) pods.delete(name)
}

const isExpired = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'statusCode' in error && error.statusCode === 410
const isTimeout = (error: unknown): boolean => error instanceof DOMException && error.name === 'TimeoutError'
