import type { AttemptRef } from '../launcher.ts'

const INSTANCE = 'dev.trainyard.instance'
const JOB = 'dev.trainyard.job'
const ATTEMPT = 'dev.trainyard.attempt'

/**
 * The name of an attempt's container, network and volume. It ends with a part of the instance, because two databases that
 * use one engine both have a job 1.
 */
export function attemptName({ jobId, attempt }: AttemptRef, instanceId: string): string {
  return `trainyard-${jobId}-${attempt}-${instanceId.slice(0, 8)}`
}

export function attemptLabels({ jobId, attempt }: AttemptRef, instanceId: string): Record<string, string> {
  return { [INSTANCE]: instanceId, [JOB]: String(jobId), [ATTEMPT]: String(attempt) }
}

/** Labels of what belongs to the runner's database, and to no attempt. */
export function instanceLabels(instanceId: string): Record<string, string> {
  return { [INSTANCE]: instanceId }
}

/** The label filter for everything that belongs to the runner's database. */
export function instanceLabel(instanceId: string): string {
  return `${INSTANCE}=${instanceId}`
}

/** The reverse of {@link attemptLabels}. */
export function parseLabels(labels: Readonly<Record<string, string>> | null): AttemptRef | undefined {
  const [jobId, attempt] = [labels?.[JOB], labels?.[ATTEMPT]]
  if (jobId === undefined || attempt === undefined) return undefined
  return /^\d{1,16}$/.test(jobId) && /^\d{1,7}$/.test(attempt)
    ? { jobId: Number(jobId), attempt: Number(attempt) }
    : undefined
}
