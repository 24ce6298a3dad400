import { setTimeout as sleep } from 'node:timers/promises'
import type { V1Pod } from '@kubernetes/client-node'
import type { AttemptRef } from '../launcher.ts'
import { found, MERGE_PATCH, STRATEGIC_PATCH } from './client.ts'
import { annotateJob, type Cluster, findJob, findPod, findPods, storedEnd, storeEnd } from './cluster.ts'
import { type Exit, endOfPod, endOnSilentNode } from './end-of-pod.ts'
import { ANNOTATIONS, attemptName, FINALIZER } from './names.ts'
import { isRunning } from './observe-attempt.ts'

/** What a node may take beyond a grace until it has said that the pod is over. */
const CONFIRMATION_MS = 30_000
const POLL_MS = 150
const KILLED: Exit = { state: 'exited', exitCode: 137, signal: 'SIGKILL', reason: 'killed' }

/**
 * Deletes the pod, which is Kubernetes' only way to send SIGTERM, and keeps what the pod would take with it: how it
 * ended. A finalizer holds the object until that has been written to the Job, so a runner that dies meanwhile loses
 * nothing: the next one stops again and reads it.
 */
export async function stopAttempt(cluster: Cluster, ref: AttemptRef, graceMs: number): Promise<void> {
  const job = await findJob(cluster, ref)
  if (job === undefined || job.metadata?.deletionTimestamp !== undefined || storedEnd(job) !== undefined) return
  const [pod] = await findPods(cluster, ref)
  if (pod !== undefined && endOfPod(pod, true) !== undefined) return
  if (pod === undefined || !isRunning(pod)) {
    // Nothing runs: it is over before it began, and must not begin later.
    await storeEnd(cluster, ref, KILLED, { suspend: true })
    if (pod !== undefined) await endPod(cluster, pod, 1000)
    return
  }
  await annotateJob(cluster, ref, { [ANNOTATIONS.stopRequested]: new Date().toISOString() })
  const name = nameOf(pod)
  const { namespace } = cluster.config
  await found(() =>
    cluster.client.core.patchNamespacedPod(
      { name, namespace, body: { metadata: { finalizers: [FINALIZER] } } },
      STRATEGIC_PATCH,
    ),
  ).catch((error: unknown) => {
    // No finalizer may be added to a pod that is on its way out already: it is watched as it is.
    if (!isBeingDeleted(error)) throw error
  })
  const exit = (await endPod(cluster, pod, graceMs)) ?? KILLED
  await storeEnd(cluster, ref, exit)
  await releasePod(cluster, name)
}

/** Deletes a pod and waits until its container is over; tells how, if that could still be seen. */
async function endPod(cluster: Cluster, pod: V1Pod, graceMs: number): Promise<Exit | undefined> {
  const name = nameOf(pod)
  // 0 would delete the object at once and leave the process to chance.
  const gracePeriodSeconds = Math.max(1, Math.ceil(graceMs / 1000))
  await deletePod(cluster, name, gracePeriodSeconds)
  const endsAt = performance.now() + gracePeriodSeconds * 1000 + CONFIRMATION_MS
  for (;;) {
    const seen = await findPod(cluster, name)
    if (seen === undefined || seen.metadata?.uid !== pod.metadata?.uid) return undefined
    const exit = endOfPod(seen, true)
    if (exit !== undefined) return exit
    // A node that does not answer any more ends nothing; the pod's object must not stay for that.
    if (performance.now() > endsAt) {
      await releasePod(cluster, name)
      await deletePod(cluster, name, 0)
      return undefined
    }
    await sleep(POLL_MS)
  }
}

async function deletePod({ client, config }: Cluster, name: string, gracePeriodSeconds: number): Promise<void> {
  const target = { name, namespace: config.namespace, gracePeriodSeconds }
  await found(() => client.core.deleteNamespacedPod(target))
}

/** Lets the object go. */
async function releasePod({ client, config }: Cluster, name: string): Promise<void> {
  const { namespace } = config
  const pod = await found(() => client.core.readNamespacedPod({ name, namespace }))
  if (!pod?.metadata?.finalizers?.includes(FINALIZER)) return
  const body = { metadata: { '$deleteFromPrimitiveList/finalizers': [FINALIZER] } }
  await found(() => client.core.patchNamespacedPod({ name, namespace, body }, STRATEGIC_PATCH))
}

/** Ends what still runs, then deletes the Job and with it all that it owns; what it does not own yet goes by name. */
export async function removeAttempt(cluster: Cluster, ref: AttemptRef): Promise<void> {
  const { client, config } = cluster
  const target = { name: attemptName(cluster.instance, ref), namespace: config.namespace }
  const job = await findJob(cluster, ref)
  if (job !== undefined && storedEnd(job) === undefined && !isOver(job.status?.conditions))
    // Not while its pod is being ended: the Job would make another one.
    await found(() => client.batch.patchNamespacedJob({ ...target, body: { spec: { suspend: true } } }, MERGE_PATCH))
  for (const pod of await findPods(cluster, ref)) {
    const isGone = endOfPod(pod, true) ?? endOnSilentNode(pod, new Date(), config.nodeLostSeconds)
    if (isGone === undefined) await endPod(cluster, pod, 1000)
    // Its node will never confirm: should it come back, it ends what has no object any more.
    else if (pod.status?.phase === 'Running') await deletePod(cluster, nameOf(pod), 0)
    await releasePod(cluster, nameOf(pod))
  }
  await found(() => client.batch.deleteNamespacedJob({ ...target, propagationPolicy: 'Background' }))
  await found(() => client.core.deleteNamespacedSecret(target))
  await found(() => client.networking.deleteNamespacedNetworkPolicy(target))
}

const isOver = (conditions: readonly { type: string; status: string }[] | undefined): boolean =>
  conditions?.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True') ?? false

function isBeingDeleted(error: unknown): boolean {
  return error instanceof Error && /metadata.finalizers: Forbidden/.test(error.message)
}

function nameOf(pod: V1Pod): string {
  const name = pod.metadata?.name
  if (name === undefined) throw new Error('a pod without a name')
  return name
}
