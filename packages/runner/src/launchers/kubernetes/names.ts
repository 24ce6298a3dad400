import { createHash } from 'node:crypto'
import type { AttemptRef } from '../launcher.ts'

/** Labels and annotations of ours. */
const LABELS = {
  managedBy: 'app.kubernetes.io/managed-by',
  /** Whose database the job number is from: numbers begin at 1 in every one. */
  instance: 'trainyard.dev/instance',
  job: 'trainyard.dev/job',
  attempt: 'trainyard.dev/attempt',
} as const
export const ANNOTATIONS = {
  /** On the Job, before its pod is asked to leave: an end after this is ours, one without it came from outside. */
  stopRequested: 'trainyard.dev/stop-requested',
  /** On the Job, once stopped: how its pod ended, which the deleted pod can no longer tell. */
  end: 'trainyard.dev/end',
} as const
/** On a pod while it is stopped: the object stays until somebody has read how it ended. */
export const FINALIZER = 'trainyard.dev/end-not-read'
export const CONTAINER = 'trainer'

/** Short enough for a name, and with letters that a name may have, whatever the instance is called. */
export function instanceName(instanceId: string): string {
  return createHash('sha256').update(instanceId).digest('hex').slice(0, 10)
}

/** The one name of an attempt's Job, Secret and NetworkPolicy: launching twice meets the first. */
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

/** Selects everything of one runner's database. */
export function instanceSelector(instance: string): string {
  return `${LABELS.managedBy}=trainyard,${LABELS.instance}=${instance}`
}

export function attemptSelector(instance: string, { jobId, attempt }: AttemptRef): string {
  return `${instanceSelector(instance)},${LABELS.job}=${jobId},${LABELS.attempt}=${attempt}`
}

/** The reverse of {@link attemptLabels}; labels of others give nothing. */
export function parseLabels(labels: Readonly<Record<string, string>> | undefined): AttemptRef | undefined {
  const jobId = labels?.[LABELS.job]
  const attempt = labels?.[LABELS.attempt]
  if (jobId === undefined || attempt === undefined || !/^\d{1,16}$/.test(jobId) || !/^\d{1,7}$/.test(attempt))
    return undefined
  return { jobId: Number(jobId), attempt: Number(attempt) }
}
