import type { V1Job, V1Pod } from '@kubernetes/client-node'
import type { AttemptRef, Observation } from '../launcher.ts'
import { type Cluster, findJob, findPods, isStopRequested, lastEventText, storedEnd } from './cluster.ts'
import { DELETED_EXTERNALLY, endOfPod, endOnSilentNode } from './end-of-pod.ts'
import { CONTAINER } from './names.ts'
import { failed, pending, pendingPod } from './pending-pod.ts'

/** The state of an attempt, read from the API server. A watch is never used to decide that an attempt has ended. */
export async function observeAttempt(cluster: Cluster, ref: AttemptRef, now: Date): Promise<Observation> {
  const job = await findJob(cluster, ref)
  if (job === undefined || job.metadata?.deletionTimestamp !== undefined) return { state: 'absent' }
  const end = storedEnd(job)
  if (end !== undefined) return end
  const [pod] = await findPods(cluster, ref)
  if (pod !== undefined) return await observePod(cluster, job, pod, now)
  // It can have ended or been removed between the two requests.
  const again = await findJob(cluster, ref)
  if (again === undefined || again.metadata?.deletionTimestamp !== undefined) return { state: 'absent' }
  return storedEnd(again) ?? (await observeWithoutPod(cluster, again, now))
}

async function observePod(cluster: Cluster, job: V1Job, pod: V1Pod, now: Date): Promise<Observation> {
  const end = endOfPod(pod, isStopRequested(job)) ?? endOnSilentNode(pod, now, cluster.config.nodeLostSeconds)
  if (end !== undefined)
    return end.reason === 'node_lost' && hasCondition(job, 'DeadlineExceeded') ? deadline(job) : end
  if (isRunning(pod)) return { state: 'running' }
  return pendingPod(pod, now, cluster.config, await lastEventText(cluster, { uid: pod.metadata?.uid }))
}

/** Whether the trainer itself runs, not only its pod. */
export function isRunning(pod: V1Pod): boolean {
  return pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state?.running !== undefined
}

async function observeWithoutPod(cluster: Cluster, job: V1Job, now: Date): Promise<Observation> {
  if (hasCondition(job, 'DeadlineExceeded')) return deadline(job)
  if (job.status?.succeeded) return { state: 'exited', exitCode: 0 }
  if (job.status?.conditions?.some(({ type, status }) => type === 'Failed' && status === 'True'))
    return { state: 'exited', exitCode: 137, reason: 'node_lost', detail: DELETED_EXTERNALLY }
  if (job.spec?.suspend) return pending('waiting in its queue')
  // Quotas and admission report their decisions as events of the Job.
  const detail = (await lastEventText(cluster, { uid: job.metadata?.uid })) ?? 'waiting for its pod to be created'
  const createdAt = new Date(job.status?.startTime ?? job.metadata?.creationTimestamp ?? now)
  const waitedSeconds = (now.getTime() - createdAt.getTime()) / 1000
  return waitedSeconds >= cluster.config.scheduleTimeoutSeconds ? failed('unschedulable', detail) : pending(detail)
}

function hasCondition(job: V1Job, reason: string): boolean {
  return (
    job.status?.conditions?.some(
      (one) =>
        (one.type === 'Failed' || one.type === 'FailureTarget') && one.status === 'True' && one.reason === reason,
    ) ?? false
  )
}

function deadline(job: V1Job): Observation {
  const detail = `ended by the Job's activeDeadlineSeconds of ${job.spec?.activeDeadlineSeconds}`
  return { state: 'exited', exitCode: 137, signal: 'SIGKILL', reason: 'deadline', detail }
}
