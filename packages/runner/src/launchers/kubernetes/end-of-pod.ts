import { constants } from 'node:os'
import type { V1ContainerStateTerminated, V1Pod } from '@kubernetes/client-node'
import type { ExitReason, Observation } from '../launcher.ts'
import { CONTAINER } from './names.ts'

export type Exit = Extract<Observation, { state: 'exited' }>

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))
/** The kubelet's words for a pod that wrote too much; every other eviction is the node's own trouble. */
const OWN_STORAGE = /ephemeral local storage|local ephemeral storage limit|EmptyDir volume/i
/** Ends of a pod that the kubelet refused to take, or put off its machine. */
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
 * How a pod ended, or undefined while it runs. In this order: memory, whatever the exit code says; its own disk; the
 * machine or the cluster; and only then the exit code.
 *
 * @param stoppedByUs whether a deletion of the pod is the runner's own wish
 */
export function endOfPod(pod: V1Pod, stoppedByUs: boolean): Exit | undefined {
  const { status, metadata } = pod
  const terminated = status?.containerStatuses?.find(({ name }) => name === CONTAINER)?.state?.terminated
  const isDeleted = metadata?.deletionTimestamp !== undefined
  const isOver = status?.phase === 'Failed' || status?.phase === 'Succeeded'
  if (terminated === undefined && !isOver) return isDeleted ? lostWithItsNode(pod) : undefined

  const exit = exitOf(terminated)
  const because = (reason: ExitReason, detail: string | undefined): Exit => ({
    ...exit,
    reason,
    ...(detail === undefined || detail === '' ? {} : { detail }),
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
  if (isDeleted && !stoppedByUs) return because('node_lost', 'the pod was deleted from outside')
  if (terminated === undefined) return because('node_lost', status?.message ?? 'the pod ended without its container')
  return exit
}

function exitOf(terminated: V1ContainerStateTerminated | undefined): Exit {
  // Nobody knows of a code: what a killed process would have.
  const code = terminated?.exitCode ?? 137
  const exitCode = isMissingProgram(terminated) ? 127 : code
  const signal = exitCode > 128 ? SIGNAL_NAMES.get(exitCode - 128) : undefined
  const finishedAt = terminated?.finishedAt
  return {
    state: 'exited',
    exitCode,
    ...(signal === undefined ? {} : { signal }),
    // The kubelet writes the year 1 when it does not know.
    ...(finishedAt === undefined || new Date(finishedAt).getFullYear() < 2000
      ? {}
      : { finishedAt: new Date(finishedAt) }),
  }
}

/** Runtimes answer 128 and a sentence where a shell says 127. */
function isMissingProgram(terminated: V1ContainerStateTerminated | undefined): boolean {
  return (
    neverStarted(terminated) && /executable file not found|no such file or directory/.test(terminated?.message ?? '')
  )
}

/** The container's program could not even be started, so it has no output of its own. */
export function neverStarted(terminated: V1ContainerStateTerminated | undefined): boolean {
  return terminated?.reason === 'StartError' || terminated?.reason === 'ContainerCannotRun'
}

/**
 * A node that has been silent for long. The cluster then says that the pod is not ready, though its container was last
 * seen running and nothing ever asks it whether it is. In a cluster of which every node is silent it does no more.
 */
export function endOnSilentNode(pod: V1Pod, now: Date, nodeLostSeconds: number): Exit | undefined {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready')
  const container = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER)
  if (ready?.status !== 'False' || ready.lastTransitionTime === undefined || container?.state?.running === undefined)
    return undefined
  // One that is asked to leave is not ready either, until the end of its grace.
  const leaving = pod.metadata?.deletionTimestamp
  const since = new Date(Math.max(timeOf(ready.lastTransitionTime), leaving === undefined ? 0 : timeOf(leaving)))
  if ((now.getTime() - since.getTime()) / 1000 < nodeLostSeconds) return undefined
  const detail = `the node ${pod.spec?.nodeName ?? ''} has been silent since ${since.toISOString()}`
  return { state: 'exited', exitCode: 137, signal: 'SIGKILL', reason: 'node_lost', detail }
}

/** A node that is gone confirms nothing: its pods stay on their way out for ever. */
function lostWithItsNode(pod: V1Pod): Exit | undefined {
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
  return limit === undefined ? undefined : `its limit is ${limit}`
}

const timeOf = (value: Date | string): number => new Date(value).getTime()
