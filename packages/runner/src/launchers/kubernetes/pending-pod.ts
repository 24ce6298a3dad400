import type { V1ContainerStateWaiting, V1Pod } from '@kubernetes/client-node'
import type { Observation } from '../launcher.ts'
import { CONTAINER } from './names.ts'

export interface PendingLimits {
  imagePullTimeoutSeconds: number
  scheduleTimeoutSeconds: number
}

const PULL_FAILURES = new Set(['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable', 'ImageInspectError'])
/** Waiting does not mend these. */
const HOPELESS_PULLS = new Set(['InvalidImageName', 'ErrImageNeverPull'])

/**
 * What a pod that does not run yet is, by timers of its own. `lastEvent` is the cluster's last sentence about it, which
 * says more than the states do.
 */
export function pendingPod(pod: V1Pod, now: Date, limits: PendingLimits, lastEvent: string | undefined): Observation {
  const createdAt = timeOf(pod.metadata?.creationTimestamp) ?? now
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const seconds = (from: Date) => (now.getTime() - from.getTime()) / 1000
  if (scheduled?.status !== 'True') {
    const detail = lastEvent ?? scheduled?.message ?? 'no node has been chosen yet'
    return seconds(createdAt) >= limits.scheduleTimeoutSeconds ? failed('unschedulable', detail) : pending(detail)
  }
  const scheduledAt = timeOf(scheduled.lastTransitionTime) ?? createdAt
  const waiting = waitingOf(pod)
  const detail = lastEvent ?? describe(waiting)
  if (HOPELESS_PULLS.has(waiting?.reason ?? '')) return failed('image_pull_failed', detail)
  if (PULL_FAILURES.has(waiting?.reason ?? ''))
    return seconds(scheduledAt) >= limits.imagePullTimeoutSeconds
      ? failed('image_pull_failed', detail)
      : pending(detail)
  // Pulling a large image takes its time, and so do volumes; only a container that cannot be made has an end.
  const stuckSeconds = limits.scheduleTimeoutSeconds + limits.imagePullTimeoutSeconds
  return seconds(scheduledAt) >= stuckSeconds ? failed('launch_failed', detail) : pending(detail)
}

export const pending = (detail: string): Observation => ({ state: 'pending', detail })

export function failed(reason: 'unschedulable' | 'image_pull_failed' | 'launch_failed', detail: string): Observation {
  return { state: 'exited', exitCode: 128, reason, detail }
}

function waitingOf(pod: V1Pod): V1ContainerStateWaiting | undefined {
  return pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state?.waiting
}

function describe(waiting: V1ContainerStateWaiting | undefined): string {
  if (waiting === undefined) return 'the node prepares the pod'
  return waiting.message === undefined ? (waiting.reason ?? 'waiting') : `${waiting.reason}: ${waiting.message}`
}

function timeOf(value: Date | string | undefined): Date | undefined {
  return value === undefined ? undefined : new Date(value)
}
