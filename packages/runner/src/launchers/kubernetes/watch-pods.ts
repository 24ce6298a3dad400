import { setTimeout as sleep } from 'node:timers/promises'
import { type V1Pod, Watch } from '@kubernetes/client-node'
import type { Logger } from '@trainyard/platform'
import { type KubernetesClient, withRetries } from './client.ts'

export interface WatchPodsOptions {
  client: KubernetesClient
  namespace: string
  selector: string
  logger: Logger
  /** How often all pods are listed again, whatever the watch reported. Default: 300,000. */
  relistMs?: number | undefined
  /** How long the server keeps a watch open. Default: 240. */
  watchSeconds?: number | undefined
}

const PAGE_SIZE = 500
const MAX_PAUSE_MS = 10_000
const JOB_NAME = 'batch.kubernetes.io/job-name'

/**
 * Lists pods and watches them from there on. The client library's informer stops after one broken connection, so this has a
 * loop of its own: a watch that ends or breaks continues from the last version seen, and an expired version (410) causes
 * another list.
 */
export class PodWatch {
  readonly #options: WatchPodsOptions
  readonly #closed = new AbortController()
  #pods = new Map<string, V1Pod>()
  /** How often all pods were listed, and how often watches began and failed. */
  readonly counts = { lists: 0, watches: 0, failures: 0 }

  constructor(options: WatchPodsOptions) {
    this.#options = options
    this.#run().catch((error: unknown) => options.logger.error({ err: error }, 'watching pods failed'))
  }

  /** The last known state of an attempt's pod, by the name of its Job. It can be outdated. */
  find(jobName: string): V1Pod | undefined {
    return this.#pods.get(jobName)
  }

  close(): void {
    this.#closed.abort()
  }

  async #run(): Promise<void> {
    const { logger, relistMs = 300_000 } = this.#options
    const { signal } = this.#closed
    let version: string | undefined
    let listedAt = 0
    let pauseMs = 100
    while (!signal.aborted) {
      try {
        if (version === undefined || performance.now() - listedAt > relistMs) {
          version = await this.#list()
          listedAt = performance.now()
        }
        if (version !== undefined && !signal.aborted) version = await this.#watch(version)
        pauseMs = 100
      } catch (error) {
        if (signal.aborted) return
        this.counts.failures++
        logger.debug({ err: error }, 'watching pods broke off and continues from the last version seen')
        // A restarted server might not know the version, so after several failures all pods are listed.
        if (pauseMs > 1000) version = undefined
        await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {})
        pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)
      }
    }
  }

  /** The version from which to watch. */
  async #list(): Promise<string | undefined> {
    const { client, namespace, selector } = this.#options
    const pods = new Map<string, V1Pod>()
    const query: Parameters<typeof client.core.listNamespacedPod>[0] = {
      namespace,
      labelSelector: selector,
      limit: PAGE_SIZE,
    }
    let version: string | undefined
    let next: string | undefined
    do {
      if (next) query._continue = next
      const page = await withRetries(() => client.core.listNamespacedPod(query))
      for (const pod of page.items) put(pods, pod)
      next = page.metadata?._continue
      version = page.metadata?.resourceVersion
    } while (next)
    this.#pods = pods
    this.counts.lists++
    return version
  }

  /** Resolves when the watch ends: with the version to continue from, or undefined if the version has expired. */
  async #watch(from: string): Promise<string | undefined> {
    const { client, namespace, selector, watchSeconds = 240 } = this.#options
    let version: string | undefined = from
    this.counts.watches++
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
        if (phase === 'ADDED' || phase === 'MODIFIED') put(this.#pods, object)
        if (phase === 'DELETED') remove(this.#pods, object)
      },
      (error: unknown) => {
        if (isExpired(error)) version = undefined
        // Most watches end with a timeout, when nothing has changed for a while.
        if (error && !isExpired(error) && !isTimeout(error)) reject(error)
        else resolve()
      },
    )
    const abort = () => request.abort()
    this.#closed.signal.addEventListener('abort', abort, { once: true })
    try {
      await promise
    } finally {
      this.#closed.signal.removeEventListener('abort', abort)
      abort()
    }
    return version
  }
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
