import type { V1Pod } from '@kubernetes/client-node'
import type { Logger } from '@trainyard/platform'
import { openCacheFolder } from '../cache-folder.ts'
import type {
  AttemptRef,
  DatasetCache,
  Launcher,
  LaunchRequest,
  Observation,
  Output,
  OutputPosition,
} from '../launcher.ts'
import { createKubernetesClient, ignoringNotFound, type KubernetesClient, MERGE_PATCH, withRetries } from './client.ts'
import type { Cluster } from './cluster.ts'
import type { KubernetesConfig } from './config.ts'
import { createAttempt } from './create-attempt.ts'
import { findApiServer } from './find-api-server.ts'
import { Logs } from './logs.ts'
import { attemptName, instanceName, instanceSelector, parseLabels } from './names.ts'
import { parseDestination } from './network-policy.ts'
import { isRunning, observeAttempt } from './observe-attempt.ts'
import { type Resolve, resolveDestinations, resolveWithDns } from './resolve-destinations.ts'
import { attemptManifests } from './spec.ts'
import { removeAttempt, stopAttempt } from './stop-attempt.ts'
import { PodWatch } from './watch-pods.ts'

export interface KubernetesLauncherOptions extends KubernetesConfig {
  /** Identifies the runner's database. */
  instanceId: string
  logger: Logger
  /** Default: from the kubeconfig. */
  client?: KubernetesClient | undefined
  /** Default: DNS. */
  resolve?: Resolve | undefined
}

const FORGET_AFTER_MS = 600_000

/** Runs trainers as Jobs of a cluster. */
export function createKubernetesLauncher(options: KubernetesLauncherOptions): Launcher {
  return new KubernetesLauncher(options)
}

class KubernetesLauncher implements Launcher {
  readonly name = 'kubernetes'
  readonly runs = 'image'
  readonly host: string
  readonly capabilities = {
    gpu: true,
    memoryLimit: true,
    networkPolicy: true,
    imagePull: true,
    diskLimit: true,
    mergedOutput: true,
  }
  readonly callbackAddress: string | undefined
  readonly datasetCache: DatasetCache | undefined

  readonly #cluster: Cluster
  readonly #logger: Logger
  readonly #resolve: Resolve
  readonly #pods: PodWatch
  readonly #logs: Logs
  /** Attempts that this runner has stopped or removed. The watch can be late to report that. */
  readonly #ended = new Set<string>()
  #apiServer: Promise<{ ip: string; port: number }[]> | undefined

  constructor(options: KubernetesLauncherOptions) {
    const {
      instanceId,
      logger,
      client = createKubernetesClient(options),
      resolve = resolveWithDns,
      ...config
    } = options
    const { namespace, clusterName = client.kubeConfig.getCurrentCluster()?.name ?? 'cluster', datasetCache } = config
    const instance = instanceName(instanceId)
    this.#cluster = { client, config, instance }
    this.#logger = logger
    this.#resolve = resolve
    this.#pods = new PodWatch({ client, namespace, selector: instanceSelector(instance), logger })
    this.#logs = new Logs(this.#cluster, logger)
    // Without a "/", after which a lease names the process of its owner.
    this.host = `kubernetes:${clusterName}:${namespace}`
    this.callbackAddress = config.callbackAddress
    this.datasetCache = datasetCache && openCacheFolder(datasetCache.dir, config.datasetCacheMaxGb)
  }

  async launch(request: LaunchRequest): Promise<void> {
    const { config, instance } = this.#cluster
    const urls = config.storageUrl === undefined ? [request.callbackUrl] : [request.callbackUrl, config.storageUrl]
    const destinations = [
      ...(await resolveDestinations(urls, request.networkHosts, this.#resolve)),
      ...config.egress.map(parseDestination),
    ]
    const apiServer = await this.#findApiServer()
    await createAttempt(
      this.#cluster,
      request,
      attemptManifests(request, { config, instance, destinations, apiServer }),
    )
    this.#logger.debug({ jobId: request.jobId, attempt: request.attempt }, 'trainer launched')
  }

  async observe(ref: AttemptRef): Promise<Observation> {
    const pod = this.#findWatched(ref)
    // Only "running" is taken from the watch.
    if (pod !== undefined && isRunning(pod) && isUndisturbed(pod)) return { state: 'running' }
    return await observeAttempt(this.#cluster, ref, new Date())
  }

  async stop(ref: AttemptRef, graceMs: number): Promise<void> {
    this.#ended.add(this.#nameOf(ref))
    await stopAttempt(this.#cluster, ref, graceMs)
  }

  async logs(
    ref: AttemptRef,
    from: OutputPosition,
    { final = false }: { final?: boolean | undefined } = {},
  ): Promise<Output> {
    if (final) return await this.#logs.readFinal(ref, from)
    return await this.#logs.read(ref, from, this.#pods.find(this.#nameOf(ref)))
  }

  async *list(): AsyncIterable<AttemptRef> {
    const { client, config, instance } = this.#cluster
    const query = { namespace: config.namespace, labelSelector: instanceSelector(instance) }
    const jobs = await withRetries(() => client.batch.listNamespacedJob(query))
    // An interrupted launch can leave a Secret without a Job.
    const secrets = await withRetries(() => client.core.listNamespacedSecret(query))
    const refs = new Map<string, AttemptRef>()
    for (const { metadata } of [...jobs.items, ...secrets.items]) {
      const ref = parseLabels(metadata?.labels)
      if (ref !== undefined && metadata?.deletionTimestamp === undefined) refs.set(this.#nameOf(ref), ref)
    }
    yield* refs.values()
  }

  /** The kubelet updates the file in the pod atomically, within a minute or two. */
  async renewToken(ref: AttemptRef, token: string): Promise<void> {
    const { client, config } = this.#cluster
    const target = { name: this.#nameOf(ref), namespace: config.namespace, body: { stringData: { token } } }
    await ignoringNotFound(() => client.core.patchNamespacedSecret(target, MERGE_PATCH))
  }

  async remove(ref: AttemptRef): Promise<void> {
    const name = this.#nameOf(ref)
    this.#logs.stop(name)
    this.#ended.add(name)
    await removeAttempt(this.#cluster, ref)
    // Kept for a while, because the watch can still report the attempt.
    setTimeout(() => this.#ended.delete(name), FORGET_AFTER_MS).unref()
  }

  async close(): Promise<void> {
    this.#pods.close()
    this.#logs.close()
  }

  #nameOf(ref: AttemptRef): string {
    return attemptName(this.#cluster.instance, ref)
  }

  #findWatched(ref: AttemptRef): V1Pod | undefined {
    const name = this.#nameOf(ref)
    return this.#ended.has(name) ? undefined : this.#pods.find(name)
  }

  /** Asked once. A failure is not kept. */
  async #findApiServer(): Promise<{ ip: string; port: number }[]> {
    this.#apiServer ??= findApiServer(this.#cluster.client, this.#resolve).catch((error: unknown) => {
      this.#apiServer = undefined
      throw error
    })
    return await this.#apiServer
  }
}

function isUndisturbed({ metadata, status }: V1Pod): boolean {
  const has = (condition: string) =>
    status?.conditions?.some(({ type, status: value }) => type === condition && value === 'True') ?? false
  return (
    status?.phase === 'Running' && metadata?.deletionTimestamp === undefined && !has('DisruptionTarget') && has('Ready')
  )
}
