import type { V1ContainerStateWaiting, V1Pod } from '@kubernetes/client-node'
import type { Observation } from '../launcher.ts'
import { CONTAINER } from './names.ts'

export interface PendingLimits {
  imagePullTimeoutSeconds: number
  scheduleTimeoutSeconds: number
}

const PULL_FAILURES = new Set(['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable', 'ImageInspectError'])
/** A retry cannot succeed. */
const FINAL_PULL_FAILURES = new Set(['InvalidImageName', 'ErrImageNeverPull'])

/**
 * The state of a pod that does not run yet, with the time limits for waiting. `lastEvent` is the message of the cluster's last
 * event for it, which is more specific than its state.
 */
export function pendingPod(pod: V1Pod, now: Date, limits: PendingLimits, lastEvent: string | undefined): Observation {
  const createdAt = timeOf(pod.metadata?.creationTimestamp) ?? now
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
  const secondsSince = (from: Date) => (now.getTime() - from.getTime()) / 1000
  if (scheduled?.status !== 'True') {
    const detail = lastEvent ?? scheduled?.message ?? 'waiting for a node'
    return secondsSince(createdAt) >= limits.scheduleTimeoutSeconds ? failed('unschedulable', detail) : pending(detail)
  }
  const scheduledAt = timeOf(scheduled.lastTransitionTime) ?? createdAt
  const waiting = waitingOf(pod)
  const detail = lastEvent ?? describe(waiting)
  if (FINAL_PULL_FAILURES.has(waiting?.reason ?? '')) return failed('image_pull_failed', detail)
  if (PULL_FAILURES.has(waiting?.reason ?? ''))
    return secondsSince(scheduledAt) >= limits.imagePullTimeoutSeconds
      ? failed('image_pull_failed', detail)
      : pending(detail)
  // Pulling a large image and mounting volumes can take long, so both limits together apply here.
  const startTimeoutSeconds = limits.scheduleTimeoutSeconds + limits.imagePullTimeoutSeconds
  return secondsSince(scheduledAt) >= startTimeoutSeconds ? failed('launch_failed', detail) : pending(detail)
}

export const pending = (detail: string): Observation => ({ state: 'pending', detail })

export function failed(reason: 'unschedulable' | 'image_pull_failed' | 'launch_failed', detail: string): Observation {
  return { state: 'exited', exitCode: 128, reason, detail }
}

function waitingOf(pod: V1Pod): V1ContainerStateWaiting | undefined {
  const { initContainerStatuses = [], containerStatuses } = pod.status ?? {}
  // The trainer waits for the bridge.
  const bridge = initContainerStatuses.find(({ state }) => state?.waiting !== undefined)
  return bridge?.state?.waiting ?? containerStatuses?.find(({ name }) => name === CONTAINER)?.state?.waiting
}

function describe(waiting: V1ContainerStateWaiting | undefined): string {
  if (waiting === undefined) return 'the node is preparing the pod'
  return waiting.message === undefined ? (waiting.reason ?? 'waiting') : `${waiting.reason}: ${waiting.message}`
}

function timeOf(value: Date | string | undefined): Date | undefined {
  return value === undefined ? undefined : new Date(value)
}
