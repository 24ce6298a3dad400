import type { CoreV1Event, V1Job, V1Pod } from '@kubernetes/client-node'
import { z } from 'zod'
import type { AttemptRef, Exited } from '../launcher.ts'
import { ignoringNotFound, type KubernetesClient, MERGE_PATCH, withRetries } from './client.ts'
import type { KubernetesConfig } from './config.ts'
import { ANNOTATIONS, attemptName, attemptSelector } from './names.ts'

/** What every function of the launcher needs. */
export interface Cluster {
  client: KubernetesClient
  config: KubernetesConfig
  /** See `instanceName`. */
  instance: string
}

const StoredEnd = z.object({
  exitCode: z.number().int(),
  signal: z.string().optional(),
  reason: z
    .enum([
      'out_of_memory',
      'killed',
      'storage_limit',
      'deadline',
      'preempted',
      'node_lost',
      'image_pull_failed',
      'unschedulable',
      'launch_failed',
    ])
    .optional(),
  detail: z.string().optional(),
  finishedAt: z.coerce.date().optional(),
})

export async function findJob({ client, config, instance }: Cluster, ref: AttemptRef): Promise<V1Job | undefined> {
  const name = attemptName(instance, ref)
  return await ignoringNotFound(() => client.batch.readNamespacedJob({ name, namespace: config.namespace }))
}

/** The attempt's pods: none yet, or one. The Job's settings rule out a replacement. */
export async function findPods({ client, config, instance }: Cluster, ref: AttemptRef): Promise<V1Pod[]> {
  const labelSelector = attemptSelector(instance, ref)
  const query = { namespace: config.namespace, labelSelector }
  return (await withRetries(() => client.core.listNamespacedPod(query))).items
}

export async function findPod({ client, config }: Cluster, name: string): Promise<V1Pod | undefined> {
  return await ignoringNotFound(() => client.core.readNamespacedPod({ name, namespace: config.namespace }))
}

export async function annotateJob(
  { client, config, instance }: Cluster,
  ref: AttemptRef,
  annotations: Record<string, string>,
  spec?: { suspend: true },
): Promise<void> {
  // Undefined is not sent.
  const body = { metadata: { annotations }, spec }
  const target = { name: attemptName(instance, ref), namespace: config.namespace, body }
  await ignoringNotFound(() => client.batch.patchNamespacedJob(target, MERGE_PATCH))
}

/** Reads the end that {@link storeEnd} stored. */
export function storedEnd(job: V1Job): Exited | undefined {
  const text = job.metadata?.annotations?.[ANNOTATIONS.end]
  if (text === undefined) return undefined
  return { state: 'exited', ...StoredEnd.parse(JSON.parse(text)) }
}

/** Stores how the attempt ended in an annotation of its Job. */
export async function storeEnd(
  cluster: Cluster,
  ref: AttemptRef,
  exit: Exited,
  spec?: { suspend: true },
): Promise<void> {
  const { state: _, ...end } = exit
  await annotateJob(cluster, ref, { [ANNOTATIONS.end]: JSON.stringify(end) }, spec)
}

export const isStopRequested = (job: V1Job): boolean =>
  job.metadata?.annotations?.[ANNOTATIONS.stopRequested] !== undefined

/** The message of the object's last failure event, or of its last event if there is no failure. */
export async function lastEventText(
  { client, config }: Cluster,
  object: { uid?: string | undefined },
): Promise<string | undefined> {
  if (object.uid === undefined) return undefined
  const fieldSelector = `involvedObject.uid=${object.uid}`
  const { items } = await withRetries(() =>
    client.core.listNamespacedEvent({ namespace: config.namespace, fieldSelector }),
  )
  const byTime = items.toSorted((a, b) => timeOf(a) - timeOf(b))
  // "BackOff" and events of the node repeat without a cause. The failure before them names it.
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
