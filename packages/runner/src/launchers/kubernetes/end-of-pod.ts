import { constants } from 'node:os'
import type { V1ContainerStateTerminated, V1Pod } from '@kubernetes/client-node'
import type { Exited, ExitReason } from '../launcher.ts'
import { CONTAINER } from './names.ts'

export const DELETED_EXTERNALLY = 'the pod was deleted from outside'
const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))
/** The kubelet's messages for a pod that wrote too much. All other evictions have a cause in the node. */
const OWN_STORAGE = /ephemeral local storage|local ephemeral storage limit|EmptyDir volume/i
/** Reasons of pods that the kubelet rejected or evicted. */
const NODE_ENDS: Readonly<Record<string, ExitReason>> = {
  NodeLost: 'node_lost',
  NodeShutdown: 'node_lost',
  Shutdown: 'node_lost',
  Terminated: 'node_lost',
  Preempting: 'preempted',
  Preempted: 'preempted',
  NodeAffinity: 'preempted',
  UnexpectedAdmissionError: 'preempted',
  OutOfcpu: 'preempted',
  OutOfmemory: 'preempted',
  OutOfpods: 'preempted',
}

/**
 * How a pod ended, or undefined while it runs. Checked in this order: memory, regardless of the exit code; the pod's own
 * disk; the machine or the cluster; the exit code.
 *
 * @param stoppedByUs whether the runner requested the deletion of the pod
 */
export function endOfPod(pod: V1Pod, stoppedByUs: boolean): Exited | undefined {
  const { status, metadata } = pod
  const terminated = status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state?.terminated
  const isDeleted = metadata?.deletionTimestamp !== undefined
  const isOver = status?.phase === 'Failed' || status?.phase === 'Succeeded'
  if (terminated === undefined && !isOver) return isDeleted ? lostWithNode(pod) : undefined

  const exit = exitOf(terminated)
  const because = (reason: ExitReason, detail: string | undefined): Exited => ({
    ...exit,
    reason,
    detail: detail || undefined,
  })
  if (terminated?.reason === 'OOMKilled') return because('out_of_memory', memoryLimit(pod))
  if (status?.reason === 'Evicted')
    return because(OWN_STORAGE.test(status.message ?? '') ? 'storage_limit' : 'preempted', status.message)
  if (status?.reason === 'DeadlineExceeded') return because('deadline', status.message)
  const nodeEnd = NODE_ENDS[status?.reason ?? '']
  if (nodeEnd !== undefined) return because(nodeEnd, status?.message)
  const disruption = disruptionOf(pod)
  if (disruption !== undefined) return because(disruption.reason, disruption.detail)
  if (terminated?.reason === 'ContainerStatusUnknown') return because('node_lost', terminated.message)
  if (isDeleted && !stoppedByUs) return because('node_lost', DELETED_EXTERNALLY)
  const bridge = failedBridge(pod)
  if (bridge !== undefined)
    return because(
      'launch_failed',
      `the bridge could not be copied from KUBERNETES_BRIDGE_IMAGE "${bridge.image}": ${bridge.why}`,
    )
  if (terminated === undefined)
    return because('node_lost', status?.message ?? 'the pod ended without a status of its container')
  return exit
}

/** Why the container that copies the bridge failed. The trainer did not start then. */
function failedBridge({ status }: V1Pod): { image: string; why: string } | undefined {
  const failed = status?.initContainerStatuses?.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0)
  if (failed === undefined) return undefined
  const { exitCode, message, reason } = failed.state?.terminated ?? {}
  return { image: failed.image, why: message?.trim() || `it ended with exit code ${exitCode} (${reason})` }
}

function exitOf(terminated: V1ContainerStateTerminated | undefined): Exited {
  // Without a status, the code of a killed process.
  const code = terminated?.exitCode ?? 137
  const exitCode = isMissingProgram(terminated) ? 127 : code
  const signal = exitCode > 128 ? SIGNAL_NAMES.get(exitCode - 128) : undefined
  const finishedAt = terminated?.finishedAt && new Date(terminated.finishedAt)
  return {
    state: 'exited',
    exitCode,
    signal,
    // The kubelet writes the year 1 when it does not know the time.
    finishedAt: finishedAt && finishedAt.getFullYear() >= 2000 ? finishedAt : undefined,
  }
}

/** Container runtimes report 128 and a message where a shell reports 127. */
function isMissingProgram(terminated: V1ContainerStateTerminated | undefined): boolean {
  return (
    neverStarted(terminated) && /executable file not found|no such file or directory/.test(terminated?.message ?? '')
  )
}

/** Whether the container's program could not be started, so that it has no output. */
export function neverStarted(terminated: V1ContainerStateTerminated | undefined): boolean {
  return terminated?.reason === 'StartError' || terminated?.reason === 'ContainerCannotRun'
}

/**
 * The end of a pod whose node does not answer. The cluster then marks the pod as not ready, although its container was last
 * seen running and has no readiness probe. If no node of the cluster answers, it does nothing more than that.
 */
export function endOnSilentNode(pod: V1Pod, now: Date, nodeLostSeconds: number): Exited | undefined {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready')
  const container = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER)
  if (ready?.status !== 'False' || ready.lastTransitionTime === undefined || container?.state?.running === undefined)
    return undefined
  // A pod that is being deleted is not ready either, until its grace period ends.
  const deletedAt = pod.metadata?.deletionTimestamp
  const since = new Date(Math.max(timeOf(ready.lastTransitionTime), deletedAt === undefined ? 0 : timeOf(deletedAt)))
  if ((now.getTime() - since.getTime()) / 1000 < nodeLostSeconds) return undefined
  const detail = `the node ${pod.spec?.nodeName ?? ''} has not answered since ${since.toISOString()}`
  return { state: 'exited', exitCode: 137, signal: 'SIGKILL', reason: 'node_lost', detail }
}

/** A lost node does not confirm the deletion of its pods, so they keep their deletion timestamp forever. */
function lostWithNode(pod: V1Pod): Exited | undefined {
  const disruption = disruptionOf(pod)
  if (disruption?.reason !== 'node_lost') return undefined
  return { state: 'exited', exitCode: 137, signal: 'SIGKILL', reason: 'node_lost', detail: disruption.detail }
}

function disruptionOf(pod: V1Pod): { reason: ExitReason; detail: string } | undefined {
  const condition = pod.status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True')
  if (condition === undefined) return undefined
  const detail = condition.message ?? condition.reason ?? ''
  switch (condition.reason) {
    case 'DeletionByTaintManager':
    case 'DeletionByPodGC':
      return { reason: 'node_lost', detail }
    default:
      return { reason: 'preempted', detail }
  }
}

function memoryLimit(pod: V1Pod): string | undefined {
  const limit = pod.spec?.containers[0]?.resources?.limits?.memory
  return limit === undefined ? undefined : `the limit is ${limit}`
}

const timeOf = (value: Date | string): number => new Date(value).getTime()
