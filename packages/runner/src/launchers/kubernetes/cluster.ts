import type { CoreV1Event, V1Job, V1Pod } from '@kubernetes/client-node'
import { z } from 'zod'
import type { AttemptRef } from '../launcher.ts'
import { found, type KubernetesClient, MERGE_PATCH, persistently } from './client.ts'
import type { KubernetesConfig } from './config.ts'
import type { Exit } from './end-of-pod.ts'
import { ANNOTATIONS, attemptName, attemptSelector } from './names.ts'

/** What every verb of the launcher needs. */
export interface Cluster {
  client: KubernetesClient
  config: KubernetesConfig
  instance: string
}

const StoredEnd = z.object({
  exitCode: z.number().int(),
  signal: z.string().exactOptional(),
  reason: z
    .enum([
      ...['out_of_memory', 'killed', 'storage_limit', 'deadline', 'preempted'],
      ...['node_lost', 'image_pull_failed', 'unschedulable', 'launch_failed'],
    ] as const)
    .exactOptional(),
  detail: z.string().exactOptional(),
  finishedAt: z.coerce.date().exactOptional(),
})

export async function findJob({ client, config, instance }: Cluster, ref: AttemptRef): Promise<V1Job | undefined> {
  const name = attemptName(instance, ref)
  return await found(() => client.batch.readNamespacedJob({ name, namespace: config.namespace }))
}

/** The attempt's pods: one, or none yet. A second would be a replacement, which the Job's settings rule out. */
export async function findPods({ client, config, instance }: Cluster, ref: AttemptRef): Promise<V1Pod[]> {
  const labelSelector = attemptSelector(instance, ref)
  const query = { namespace: config.namespace, labelSelector }
  return (await persistently(() => client.core.listNamespacedPod(query))).items
}

export async function findPod({ client, config }: Cluster, name: string): Promise<V1Pod | undefined> {
  return await found(() => client.core.readNamespacedPod({ name, namespace: config.namespace }))
}

export async function annotateJob(
  { client, config, instance }: Cluster,
  ref: AttemptRef,
  annotations: Record<string, string>,
  spec?: { suspend: true },
): Promise<void> {
  const body = { metadata: { annotations }, ...(spec === undefined ? {} : { spec }) }
  const target = { name: attemptName(instance, ref), namespace: config.namespace, body }
  await found(() => client.batch.patchNamespacedJob(target, MERGE_PATCH))
}

/** What {@link storeEnd} wrote. */
export function storedEnd(job: V1Job): Exit | undefined {
  const text = job.metadata?.annotations?.[ANNOTATIONS.end]
  if (text === undefined) return undefined
  return { state: 'exited', ...StoredEnd.parse(JSON.parse(text)) }
}

export async function storeEnd(cluster: Cluster, ref: AttemptRef, exit: Exit, spec?: { suspend: true }): Promise<void> {
  const { state: _, ...end } = exit
  await annotateJob(cluster, ref, { [ANNOTATIONS.end]: JSON.stringify(end) }, spec)
}

export const isStopRequested = (job: V1Job): boolean =>
  job.metadata?.annotations?.[ANNOTATIONS.stopRequested] !== undefined

/** The last thing that the cluster said about an object, a failure before anything else. */
export async function lastEventText(
  { client, config }: Cluster,
  object: { uid?: string | undefined },
): Promise<string | undefined> {
  if (object.uid === undefined) return undefined
  const fieldSelector = `involvedObject.uid=${object.uid}`
  const { items } = await persistently(() =>
    client.core.listNamespacedEvent({ namespace: config.namespace, fieldSelector }),
  )
  const byTime = items.toSorted((a, b) => timeOf(a) - timeOf(b))
  // "BackOff" and remarks about the node repeat without saying why; the failure before them does.
  const failures = byTime.filter(({ type, reason }) => type === 'Warning' && reason?.startsWith('Failed'))
  const event =
    failures.findLast(({ message }) => !/^Error: (ErrImagePull|ImagePullBackOff)$/.test(message ?? '')) ?? byTime.at(-1)
  return event === undefined ? undefined : `${event.reason}: ${event.message}`
}

function timeOf(event: CoreV1Event): number {
  const time =
    event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp
  return time === undefined ? 0 : new Date(time).getTime()
}
