import type { V1Pod } from '@kubernetes/client-node'
import type { Logger } from '@trainyard/platform'
import type { AttemptRef, Output, OutputPosition } from '../launcher.ts'
import { statusCode } from './client.ts'
import { type Cluster, findPods } from './cluster.ts'
import { endOfPod, endOnSilentNode, neverStarted } from './end-of-pod.ts'
import { LogFollower, type OpenLog, readRest } from './follow-log.ts'
import { isBefore, positionOf } from './log-lines.ts'
import { attemptName, CONTAINER } from './names.ts'
import { readLog } from './read-log.ts'

/** After this number of failed reads, the rest of a log is given up. */
const FINAL_READ_TRIES = 5
/** The log of a container that has ended arrives at once, or not at all. */
const FINAL_READ_IDLE_MS = 10_000

/** The logs of attempts' pods. A running pod's log is kept open between calls. */
export class Logs {
  readonly #cluster: Cluster
  readonly #logger: Logger
  readonly #followers = new Map<string, LogFollower>()
  readonly #failedReads = new Map<string, number>()

  constructor(cluster: Cluster, logger: Logger) {
    this.#cluster = cluster
    this.#logger = logger
  }

  /** `seen`: the pod as the watch last saw it, which saves a request. */
  async read(ref: AttemptRef, from: OutputPosition, seen: V1Pod | undefined): Promise<Output> {
    const pod = seen ?? (await findPods(this.#cluster, ref))[0]
    const podName = pod?.metadata?.name
    if (podName === undefined) return { lines: [], position: from }
    const name = attemptName(this.#cluster.instance, ref)
    const taken = this.#followers.get(name)?.take(from)
    if (taken !== undefined) return taken
    this.#followers.get(name)?.stop()
    const follower = new LogFollower(this.#open(podName), from, this.#logger)
    this.#followers.set(name, follower)
    return follower.take(from) ?? { lines: [], position: from }
  }

  /** The rest of the log of a pod that has ended. */
  async readFinal(ref: AttemptRef, from: OutputPosition): Promise<Output> {
    const [pod] = await findPods(this.#cluster, ref)
    const podName = pod?.metadata?.name
    if (pod === undefined || podName === undefined) return { lines: [], position: from }
    const name = attemptName(this.#cluster.instance, ref)
    this.#followers.get(name)?.stop()
    this.#followers.delete(name)
    const startError = startErrorOf(pod, from)
    if (startError !== undefined) return startError
    try {
      const rest = await readRest(this.#open(podName, FINAL_READ_IDLE_MS), from)
      this.#failedReads.delete(name)
      return rest
    } catch (error) {
      const tries = (this.#failedReads.get(name) ?? 0) + 1
      this.#failedReads.set(name, tries)
      if (!this.#isFinal(error, pod) && tries < FINAL_READ_TRIES) throw error
      this.#logger.warn({ err: error, ...ref }, 'could not read the last lines of a trainer')
      return { lines: [], position: from }
    }
  }

  /** Closes the log of an attempt. */
  stop(name: string): void {
    this.#followers.get(name)?.stop()
    this.#followers.delete(name)
    this.#failedReads.delete(name)
  }

  close(): void {
    for (const name of [...this.#followers.keys()]) this.stop(name)
  }

  #open(pod: string, idleMs?: number): OpenLog {
    const { client, config } = this.#cluster
    return (options) => readLog(client.kubeConfig, { namespace: config.namespace, pod, idleMs, ...options })
  }

  /** Whether the log can never be read: the container was removed (4xx), or its node is lost. */
  #isFinal(error: unknown, pod: V1Pod): boolean {
    const code = statusCode(error)
    if (code !== undefined && code < 500) return true
    const end = endOfPod(pod, true) ?? endOnSilentNode(pod, new Date(), this.#cluster.config.nodeLostSeconds)
    return end?.reason === 'node_lost'
  }
}

/** The runtime's message about a program that it could not start, as the only line of the log. */
function startErrorOf(pod: V1Pod, from: OutputPosition): Output | undefined {
  const terminated = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state?.terminated
  if (terminated === undefined || !neverStarted(terminated)) return undefined
  const time = new Date(terminated.finishedAt ?? Date.now())
  const position = positionOf(time.getTime() * 1000, 1)
  if (!isBefore(from, position)) return { lines: [], position: from }
  return { lines: [{ source: 'stderr', text: terminated.message ?? '', time }], position }
}
