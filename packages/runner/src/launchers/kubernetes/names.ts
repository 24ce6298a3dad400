import { createHash } from 'node:crypto'
import type { AttemptRef } from '../launcher.ts'

const LABELS = {
  managedBy: 'app.kubernetes.io/managed-by',
  /** The database of the job number. Job numbers start at 1 in each database. */
  instance: 'trainyard.dev/instance',
  job: 'trainyard.dev/job',
  attempt: 'trainyard.dev/attempt',
} as const
export const ANNOTATIONS = {
  /** On a Job, before its pod is deleted. A pod that ends without it was deleted from outside. */
  stopRequested: 'trainyard.dev/stop-requested',
  /** On a stopped Job: how its pod ended. The deleted pod cannot tell that any more. */
  end: 'trainyard.dev/end',
} as const
/** On a pod that is being stopped. Keeps the object until the runner has read how it ended. */
export const FINALIZER = 'trainyard.dev/end-not-read'
export const CONTAINER = 'trainer'
/** Runs before it, and copies the bridge into the pod. */
export const BRIDGE_CONTAINER = 'bridge'

/** A short name for a database that is valid as a part of Kubernetes names. */
export function instanceName(instanceId: string): string {
  return createHash('sha256').update(instanceId).digest('hex').slice(0, 10)
}

/** The name of an attempt's Job, Secret and NetworkPolicy. A second launch finds the objects of the first by it. */
export function attemptName(instance: string, { jobId, attempt }: AttemptRef): string {
  return `trainyard-${instance}-${jobId}-${attempt}`
}

export function attemptLabels(instance: string, { jobId, attempt }: AttemptRef): Record<string, string> {
  return {
    [LABELS.managedBy]: 'trainyard',
    [LABELS.instance]: instance,
    [LABELS.job]: String(jobId),
    [LABELS.attempt]: String(attempt),
  }
}

/** Selects everything that belongs to a runner's database. */
export function instanceSelector(instance: string): string {
  return `${LABELS.managedBy}=trainyard,${LABELS.instance}=${instance}`
}

export function attemptSelector(instance: string, { jobId, attempt }: AttemptRef): string {
  return `${instanceSelector(instance)},${LABELS.job}=${jobId},${LABELS.attempt}=${attempt}`
}

/** The reverse of {@link attemptLabels}. Undefined: the labels are not ours. */
export function parseLabels(labels: Readonly<Record<string, string>> | undefined): AttemptRef | undefined {
  const jobId = labels?.[LABELS.job]
  const attempt = labels?.[LABELS.attempt]
  if (jobId === undefined || attempt === undefined || !/^\d{1,16}$/.test(jobId) || !/^\d{1,7}$/.test(attempt))
    return undefined
  return { jobId: Number(jobId), attempt: Number(attempt) }
}
