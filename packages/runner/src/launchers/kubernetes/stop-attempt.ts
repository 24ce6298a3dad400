import { setTimeout as sleep } from 'node:timers/promises'
import type { V1Pod } from '@kubernetes/client-node'
import type { AttemptRef, Exited } from '../launcher.ts'
import { ignoringNotFound, MERGE_PATCH, STRATEGIC_PATCH } from './client.ts'
import { annotateJob, type Cluster, findJob, findPod, findPods, storedEnd, storeEnd } from './cluster.ts'
import { endOfPod, endOnSilentNode } from './end-of-pod.ts'
import { ANNOTATIONS, attemptName, FINALIZER } from './names.ts'
import { isRunning } from './observe-attempt.ts'

/** How long after the grace period a node may take to confirm that the pod has ended. */
const CONFIRMATION_MS = 30_000
const POLL_MS = 150
const KILLED: Exited = { state: 'exited', exitCode: 137, signal: 'SIGKILL', reason: 'killed' }

/**
 * Deletes the pod, which is the only way to send SIGTERM, and stores how it ended. A finalizer keeps the object until that is
 * written to the Job, so if the runner dies in between, the next one stops the attempt again and reads it.
 */
export async function stopAttempt(cluster: Cluster, ref: AttemptRef, graceMs: number): Promise<void> {
  const job = await findJob(cluster, ref)
  if (job === undefined || job.metadata?.deletionTimestamp !== undefined || storedEnd(job) !== undefined) return
  const [pod] = await findPods(cluster, ref)
  if (pod !== undefined && endOfPod(pod, true) !== undefined) return
  if (pod === undefined || !isRunning(pod)) {
    // It has not started, and must not start later.
    await storeEnd(cluster, ref, KILLED, { suspend: true })
    if (pod !== undefined) await endPod(cluster, pod, 1000)
    return
  }
  await annotateJob(cluster, ref, { [ANNOTATIONS.stopRequested]: new Date().toISOString() })
  const name = nameOf(pod)
  const { namespace } = cluster.config
  await ignoringNotFound(() =>
    cluster.client.core.patchNamespacedPod(
      { name, namespace, body: { metadata: { finalizers: [FINALIZER] } } },
      STRATEGIC_PATCH,
    ),
  ).catch((error: unknown) => {
    // Finalizers cannot be added to a pod that is being deleted. It is watched without one.
    if (!isBeingDeleted(error)) throw error
  })
  const exit = (await endPod(cluster, pod, graceMs)) ?? KILLED
  await storeEnd(cluster, ref, exit)
  await releasePod(cluster, name)
}

/** Deletes a pod and waits until its container has ended. Undefined: it is not known how. */
async function endPod(cluster: Cluster, pod: V1Pod, graceMs: number): Promise<Exited | undefined> {
  const name = nameOf(pod)
  // 0 would delete the object at once, without waiting for the process.
  const gracePeriodSeconds = Math.max(1, Math.ceil(graceMs / 1000))
  await deletePod(cluster, name, gracePeriodSeconds)
  const endsAt = performance.now() + gracePeriodSeconds * 1000 + CONFIRMATION_MS
  for (;;) {
    const current = await findPod(cluster, name)
    if (current === undefined || current.metadata?.uid !== pod.metadata?.uid) return undefined
    const exit = endOfPod(current, true)
    if (exit !== undefined) return exit
    // The node does not answer. The pod's object must not stay because of that.
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
  await ignoringNotFound(() => client.core.deleteNamespacedPod(target))
}

/** Removes our finalizer. */
async function releasePod({ client, config }: Cluster, name: string): Promise<void> {
  const { namespace } = config
  const pod = await ignoringNotFound(() => client.core.readNamespacedPod({ name, namespace }))
  if (!pod?.metadata?.finalizers?.includes(FINALIZER)) return
  const body = { metadata: { '$deleteFromPrimitiveList/finalizers': [FINALIZER] } }
  await ignoringNotFound(() => client.core.patchNamespacedPod({ name, namespace, body }, STRATEGIC_PATCH))
}

/** Ends the pod, then deletes the Job with everything it owns, and by name what it does not own yet. */
export async function removeAttempt(cluster: Cluster, ref: AttemptRef): Promise<void> {
  const { client, config } = cluster
  const target = { name: attemptName(cluster.instance, ref), namespace: config.namespace }
  const job = await findJob(cluster, ref)
  if (job !== undefined && storedEnd(job) === undefined && !isOver(job.status?.conditions))
    // Suspended first, so that the Job does not replace the pod while it is being ended.
    await ignoringNotFound(() =>
      client.batch.patchNamespacedJob({ ...target, body: { spec: { suspend: true } } }, MERGE_PATCH),
    )
  for (const pod of await findPods(cluster, ref)) {
    const end = endOfPod(pod, true) ?? endOnSilentNode(pod, new Date(), config.nodeLostSeconds)
    if (end === undefined) await endPod(cluster, pod, 1000)
    // Its node does not answer. When it returns, it ends containers whose pod was deleted.
    else if (pod.status?.phase === 'Running') await deletePod(cluster, nameOf(pod), 0)
    await releasePod(cluster, nameOf(pod))
  }
  await ignoringNotFound(() => client.batch.deleteNamespacedJob({ ...target, propagationPolicy: 'Background' }))
  await ignoringNotFound(() => client.core.deleteNamespacedSecret(target))
  await ignoringNotFound(() => client.networking.deleteNamespacedNetworkPolicy(target))
}

const isOver = (conditions: readonly { type: string; status: string }[] | undefined): boolean =>
  conditions?.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True') ?? false

function isBeingDeleted(error: unknown): boolean {
  return error instanceof Error && /metadata.finalizers: Forbidden/.test(error.message)
}

function nameOf(pod: V1Pod): string {
  const name = pod.metadata?.name
  if (name === undefined) throw new Error('the pod has no name')
  return name
}
