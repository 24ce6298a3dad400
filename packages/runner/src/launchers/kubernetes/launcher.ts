import type { V1Pod } from '@kubernetes/client-node'
import type { Logger } from '@trainyard/platform'
import { openCacheFolder } from '../cache-folder.ts'
import type { AttemptRef, Launcher, LaunchRequest, OutputPosition } from '../launcher.ts'
import {
  createKubernetesClient,
  found,
  type KubernetesClient,
  MERGE_PATCH,
  persistently,
  statusCode,
} from './client.ts'
import { type Cluster, findPods } from './cluster.ts'
import type { KubernetesConfig } from './config.ts'
import { endOfPod, endOnSilentNode, neverStarted } from './end-of-pod.ts'
import { followLog, type LogFollower, type OpenLog, readRest } from './follow-log.ts'
import { isBefore, positionOf } from './log-lines.ts'
import { attemptLabels, attemptName, CONTAINER, instanceName, instanceSelector, parseLabels } from './names.ts'
import { parseDestination } from './network-policy.ts'
import { isRunning, observeAttempt } from './observe-attempt.ts'
import { readLog } from './read-log.ts'
import { type Resolve, resolveDestinations, resolveWithDns } from './resolve-destinations.ts'
import { type AttemptManifests, attemptManifests, ownedBy } from './spec.ts'
import { removeAttempt, stopAttempt } from './stop-attempt.ts'
import { watchPods } from './watch-pods.ts'

export interface KubernetesLauncherOptions extends KubernetesConfig {
  /** Names the runner's database, whose job numbers these are. */
  instanceId: string
  logger: Logger
  /** Default: by the kubeconfig. */
  client?: KubernetesClient
  resolve?: Resolve
}

/** A log that cannot be read is asked for this often before its end is given up. */
const FINAL_READ_TRIES = 5
/** What is over comes at once or not at all. */
const FINAL_READ_IDLE_MS = 10_000
const FORGET_AFTER_MS = 600_000

/** Runs trainers as Jobs of a cluster. */
export function createKubernetesLauncher(options: KubernetesLauncherOptions): Launcher {
  const { instanceId, logger, client = createKubernetesClient(options), resolve = resolveWithDns, ...config } = options
  const { namespace } = config
  const cluster: Cluster = { client, config, instance: instanceName(instanceId) }
  const { instance } = cluster
  const pods = watchPods({ client, namespace, selector: instanceSelector(instance), logger })
  const followers = new Map<string, LogFollower>()
  const failedReads = new Map<string, number>()
  /** Attempts that this runner has stopped or removed: the watch may not know yet. */
  const ended = new Set<string>()
  let apiServer: Promise<{ ip: string; port: number }[]> | undefined
  const stopFollowing = (name: string) => {
    followers.get(name)?.stop()
    followers.delete(name)
    failedReads.delete(name)
  }
  const openLog =
    (pod: string): OpenLog =>
    (how) =>
      readLog(client.kubeConfig, { namespace, pod, ...how, ...(how.follow ? {} : { idleMs: FINAL_READ_IDLE_MS }) })

  return {
    name: 'kubernetes',
    runs: 'image',
    // No "/": leases put their owner's process behind it.
    host: `kubernetes:${config.clusterName ?? client.kubeConfig.getCurrentCluster()?.name ?? 'cluster'}:${namespace}`,
    capabilities: {
      gpu: true,
      memoryLimit: true,
      networkPolicy: true,
      imagePull: true,
      diskLimit: true,
      mergedOutput: true,
    },
    ...(config.callbackAddress === undefined ? {} : { callbackAddress: config.callbackAddress }),
    ...(config.datasetCache === undefined
      ? {}
      : { datasetCache: openCacheFolder(config.datasetCache.dir, config.datasetCacheMaxGb) }),

    async launch(request) {
      const urls = [request.callbackUrl, ...(config.storageUrl === undefined ? [] : [config.storageUrl])]
      const destinations = [
        ...(await resolveDestinations(urls, request.networkHosts, resolve)),
        ...config.egress.map(parseDestination),
      ]
      apiServer ??= apiServerAddresses(client, resolve).catch((error: unknown) => {
        apiServer = undefined
        throw error
      })
      const manifests = attemptManifests(request, { config, instance, destinations, apiServer: await apiServer })
      await createAttempt(cluster, request, manifests)
      logger.debug({ jobId: request.jobId, attempt: request.attempt }, 'trainer launched')
    },

    async observe(ref) {
      const name = attemptName(instance, ref)
      const seen = ended.has(name) ? undefined : pods.find(name)
      // Only that it goes on is taken from the watch.
      if (seen !== undefined && isRunning(seen) && isUndisturbed(seen)) return { state: 'running' }
      return await observeAttempt(cluster, ref, new Date())
    },

    async stop(ref, graceMs) {
      ended.add(attemptName(instance, ref))
      await stopAttempt(cluster, ref, graceMs)
    },

    async logs(ref, from, { final = false } = {}) {
      const name = attemptName(instance, ref)
      const pod = (final ? undefined : pods.find(name)) ?? (await findPods(cluster, ref))[0]
      const podName = pod?.metadata?.name
      if (pod === undefined || podName === undefined) return { lines: [], position: from }
      if (!final) {
        const taken = followers.get(name)?.take(from)
        if (taken !== undefined) return taken
        followers.get(name)?.stop()
        const follower = followLog(openLog(podName), from, logger)
        followers.set(name, follower)
        return follower.take(from) ?? { lines: [], position: from }
      }
      followers.get(name)?.stop()
      followers.delete(name)
      const refusal = refusalOf(pod, from)
      if (refusal !== undefined) return refusal
      try {
        const rest = await readRest(openLog(podName), from)
        failedReads.delete(name)
        return rest
      } catch (error) {
        const tries = (failedReads.get(name) ?? 0) + 1
        failedReads.set(name, tries)
        // 4xx: its container is gone, and its lines with it.
        const code = statusCode(error)
        const end = endOfPod(pod, true) ?? endOnSilentNode(pod, new Date(), config.nodeLostSeconds)
        const isNodeGone = end?.reason === 'node_lost'
        if ((code === undefined || code >= 500) && !isNodeGone && tries < FINAL_READ_TRIES) throw error
        logger.warn({ err: error, ...ref }, 'the last lines of a trainer could not be read')
        return { lines: [], position: from }
      }
    },

    async *list() {
      const labelSelector = instanceSelector(instance)
      const jobs = await persistently(() => client.batch.listNamespacedJob({ namespace, labelSelector }))
      // A Secret without its Job is what a launch left behind that broke off.
      const secrets = await persistently(() => client.core.listNamespacedSecret({ namespace, labelSelector }))
      const refs = new Map<string, AttemptRef>()
      for (const { metadata } of [...jobs.items, ...secrets.items]) {
        const ref = parseLabels(metadata?.labels)
        if (ref !== undefined && metadata?.deletionTimestamp === undefined) refs.set(attemptName(instance, ref), ref)
      }
      yield* refs.values()
    },

    async renewToken(ref, token) {
      // The kubelet brings it into the pod, whole, within a minute or two.
      const body = { stringData: { token } }
      const target = { name: attemptName(instance, ref), namespace, body }
      await found(() => client.core.patchNamespacedSecret(target, MERGE_PATCH))
    },

    async remove(ref) {
      const name = attemptName(instance, ref)
      stopFollowing(name)
      ended.add(name)
      await removeAttempt(cluster, ref)
      // An attempt that is gone is not asked for again; the few that are may be found by a late watch.
      setTimeout(() => ended.delete(name), FORGET_AFTER_MS).unref()
    },

    async close() {
      pods.close()
      for (const name of [...followers.keys()]) stopFollowing(name)
    },
  }
}

/** Secret and NetworkPolicy first: the pod must find its token, and must not run a moment without its walls. */
async function createAttempt(cluster: Cluster, request: LaunchRequest, manifests: AttemptManifests): Promise<void> {
  const { client, config, instance } = cluster
  const { namespace } = config
  const target = { name: attemptName(instance, request), namespace }
  const existing = await found(() => client.batch.readNamespacedJob(target))
  if (existing !== undefined) return checkOurs(existing.metadata?.labels, cluster, request)
  await unlessThere(() => client.core.createNamespacedSecret({ namespace, body: manifests.secret }))
  await unlessThere(() => client.networking.createNamespacedNetworkPolicy({ namespace, body: manifests.networkPolicy }))
  await unlessThere(() => client.batch.createNamespacedJob({ namespace, body: manifests.job }))
  const job = await persistently(() => client.batch.readNamespacedJob(target))
  checkOurs(job.metadata?.labels, cluster, request)
  const body = { metadata: { ownerReferences: [ownedBy(job)] } }
  await found(() => client.core.patchNamespacedSecret({ ...target, body }, MERGE_PATCH))
  await found(() => client.networking.patchNamespacedNetworkPolicy({ ...target, body }, MERGE_PATCH))
}

async function unlessThere(create: () => Promise<unknown>): Promise<void> {
  try {
    await persistently(create)
  } catch (error) {
    if (statusCode(error) !== 409) throw error
  }
}

/** The name says the same already, so this is somebody who made a Job by hand. */
function checkOurs(labels: Record<string, string> | undefined, { instance }: Cluster, ref: AttemptRef): void {
  for (const [name, value] of Object.entries(attemptLabels(instance, ref)))
    if (labels?.[name] !== value)
      throw new Error(
        `there is a Job ${attemptName(instance, ref)} whose label ${name} is "${labels?.[name] ?? ''}"; wanted: "${value}"`,
      )
}

function isUndisturbed({ metadata, status }: V1Pod): boolean {
  const isTarget = status?.conditions?.some((one) => one.type === 'DisruptionTarget' && one.status === 'True') ?? false
  const isReady = status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false
  return status?.phase === 'Running' && metadata?.deletionTimestamp === undefined && !isTarget && isReady
}

/** What the runtime said about a program that it could not start, as the trainer's only line. */
function refusalOf(pod: V1Pod, from: OutputPosition) {
  const terminated = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state?.terminated
  if (terminated === undefined || !neverStarted(terminated)) return undefined
  const time = new Date(terminated.finishedAt ?? Date.now())
  const position = positionOf(time.getTime() * 1000, 1)
  if (!isBefore(from, position)) return { lines: [], position: from }
  return { lines: [{ source: 'stderr' as const, text: terminated.message ?? '', time }], position }
}

/** Where the API server listens, by our own address for it and by what it says of itself. */
async function apiServerAddresses(client: KubernetesClient, resolve: Resolve): Promise<{ ip: string; port: number }[]> {
  const server = client.kubeConfig.getCurrentCluster()?.server ?? ''
  const addresses = [new URL(server).host]
  const versions = await persistently(() => client.root.getAPIVersions())
  for (const { serverAddress } of versions.serverAddressByClientCIDRs) addresses.push(serverAddress)
  return (
    await resolveDestinations(
      addresses.map((one) => `https://${one}`),
      [],
      resolve,
    )
  ).map(({ cidr, port }) => ({
    ip: cidr.slice(0, cidr.indexOf('/')),
    port: port ?? 443,
  }))
}
