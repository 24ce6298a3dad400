import type {
  V1ContainerState,
  V1ContainerStateTerminated,
  V1Pod,
  V1PodCondition,
  V1PodStatus,
} from '@kubernetes/client-node'
import { describe, expect, it } from 'vitest'
import { endOfPod, endOnSilentNode } from './end-of-pod.ts'
import { pendingPod } from './pending-pod.ts'

interface PodParts {
  phase?: string
  reason?: string
  message?: string
  state?: V1ContainerState
  conditions?: V1PodCondition[]
  deleted?: Date
}

function pod({ phase = 'Failed', reason, message, state, conditions = [], deleted }: PodParts): V1Pod {
  const made: V1Pod = {
    metadata: {
      name: 'p',
      creationTimestamp: new Date('2026-01-01T00:00:00Z'),
    },
    spec: { nodeName: 'n1', containers: [{ name: 'trainer', resources: { limits: { memory: '96Mi' } } }] },
  }
  if (deleted !== undefined && made.metadata !== undefined) made.metadata.deletionTimestamp = deleted
  const status: V1PodStatus = { phase, conditions }
  if (reason !== undefined) status.reason = reason
  if (message !== undefined) status.message = message
  if (state !== undefined)
    status.containerStatuses = [{ name: 'trainer', image: 'i', imageID: 'i', ready: true, restartCount: 0, state }]
  return { ...made, status }
}
const terminated = (exitCode: number, reason = 'Error', message?: string) => {
  const state: V1ContainerStateTerminated = { exitCode, reason, finishedAt: new Date('2026-01-01T00:01:00Z') }
  if (message !== undefined) state.message = message
  return { terminated: state }
}
const disrupted = (reason: string): V1PodCondition => ({
  type: 'DisruptionTarget',
  status: 'True',
  reason,
  message: 'so',
})
const deleted = new Date('2026-01-01T00:00:50Z')

describe('a pod that waits for the bridge', () => {
  const bridge = (state: V1ContainerState): V1Pod => {
    const failed = pod({ state: { waiting: { reason: 'PodInitializing' } } })
    const init = { name: 'bridge', image: 'runner:1', imageID: 'i', ready: false, restartCount: 0, state }
    return { ...failed, status: { ...failed.status, initContainerStatuses: [init] } }
  }

  it('ends as launch_failed with the words of the container that failed', () => {
    expect(endOfPod(bridge(terminated(1, 'Error', 'No space left on device\n')), false)).toMatchObject({
      reason: 'launch_failed',
      detail: 'the bridge could not be copied from KUBERNETES_BRIDGE_IMAGE "runner:1": No space left on device',
    })
  })

  it('shows why its image cannot be pulled', () => {
    const waiting = bridge({ waiting: { reason: 'InvalidImageName', message: 'bad name' } })
    const scheduled: V1PodCondition = { type: 'PodScheduled', status: 'True' }
    const status = { ...waiting.status, phase: 'Pending', conditions: [scheduled] }
    const limits = { imagePullTimeoutSeconds: 60, scheduleTimeoutSeconds: 60 }
    expect(pendingPod({ ...waiting, status }, new Date(), limits, undefined)).toMatchObject({
      reason: 'image_pull_failed',
      detail: 'InvalidImageName: bad name',
    })
  })
})

describe('endOfPod', () => {
  it.each<[string, PodParts, object]>([
    [
      'checks OOMKilled first, regardless of the exit code',
      {
        state: terminated(1, 'OOMKilled'),
        reason: 'Evicted',
        message: 'ephemeral local storage',
        conditions: [disrupted('x')],
      },
      { exitCode: 1, reason: 'out_of_memory', detail: 'the limit is 96Mi' },
    ],
    [
      'then the pod’s own disk',
      {
        state: terminated(137),
        reason: 'Evicted',
        message: 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.',
        conditions: [disrupted('TerminationByKubelet')],
      },
      { reason: 'storage_limit', detail: expect.stringContaining('1Gi') },
    ],
    [
      'counts a full emptyDir volume as the pod’s own disk',
      { reason: 'Evicted', message: 'Usage of EmptyDir volume "work" exceeds the limit "1Gi".' },
      { reason: 'storage_limit' },
    ],
    [
      'does not blame the trainer for a node that runs out of disk or memory',
      { reason: 'Evicted', message: 'The node was low on resource: memory. Threshold quantity: 100Mi' },
      { reason: 'preempted' },
    ],
    [
      'then preemption',
      { state: terminated(143), conditions: [disrupted('PreemptionByScheduler')] },
      { reason: 'preempted', detail: 'so' },
    ],
    [
      'recognises a drained node',
      { state: terminated(0), conditions: [disrupted('EvictionByEvictionAPI')] },
      { reason: 'preempted' },
    ],
    [
      'recognises a tainted node',
      { state: terminated(137), conditions: [disrupted('DeletionByTaintManager')] },
      { reason: 'node_lost' },
    ],
    [
      'recognises a node that shuts down',
      { state: terminated(137), reason: 'NodeShutdown', message: 'bye' },
      { reason: 'node_lost', detail: 'bye' },
    ],
    ['recognises a node that rejected the pod', { reason: 'OutOfmemory', message: 'no' }, { reason: 'preempted' }],
    [
      'recognises a container whose status is unknown',
      { state: terminated(137, 'ContainerStatusUnknown') },
      { reason: 'node_lost' },
    ],
    [
      'recognises a deletion from outside',
      { state: terminated(143), deleted },
      { reason: 'node_lost', detail: expect.stringContaining('outside') },
    ],
    ['recognises the Job’s deadline', { state: terminated(143), reason: 'DeadlineExceeded' }, { reason: 'deadline' }],
  ])('%s', (_, parts, expected) => {
    expect(endOfPod(pod(parts), false)).toMatchObject({ state: 'exited', ...expected })
  })

  it('returns the exit code, the signal and the time if nothing else happened', () => {
    expect(endOfPod(pod({ state: terminated(139) }), false)).toEqual({
      state: 'exited',
      exitCode: 139,
      signal: 'SIGSEGV',
      finishedAt: new Date('2026-01-01T00:01:00Z'),
    })
    expect(endOfPod(pod({ phase: 'Running', state: terminated(0, 'Completed') }), false)).toMatchObject({ exitCode: 0 })
  })

  it('returns the exit code if the runner deleted the pod', () => {
    expect(endOfPod(pod({ state: terminated(143), deleted }), true)).not.toHaveProperty('reason')
  })

  it('returns 127 if the program does not exist', () => {
    const message = 'exec: "nope": executable file not found in $PATH'
    expect(endOfPod(pod({ state: terminated(128, 'StartError', message) }), false)).toMatchObject({ exitCode: 127 })
  })

  it('returns undefined while the pod runs or is being deleted', () => {
    const running = { phase: 'Running', state: { running: {} } }
    expect(endOfPod(pod(running), false)).toBeUndefined()
    expect(endOfPod(pod({ ...running, deleted }), false)).toBeUndefined()
  })

  it('returns node_lost if the cluster declared the node lost, without the node’s confirmation', () => {
    const parts = {
      phase: 'Running',
      state: { running: {} },
      deleted,
      conditions: [disrupted('DeletionByTaintManager')],
    }
    expect(endOfPod(pod(parts), false)).toMatchObject({ reason: 'node_lost' })
  })
})

describe('endOnSilentNode', () => {
  const silent = {
    phase: 'Running',
    state: { running: {} },
    conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: new Date('2026-01-01T00:00:00Z') }],
  }
  const at = (text: string) => new Date(`2026-01-01T00:${text}Z`)
  it('returns node_lost after the time limit, with the node’s name', () => {
    expect(endOnSilentNode(pod(silent), at('01:59'), 120)).toBeUndefined()
    expect(endOnSilentNode(pod(silent), at('02:00'), 120)).toMatchObject({
      reason: 'node_lost',
      detail: expect.stringContaining('n1'),
    })
  })
  it('waits for the grace period of a pod that is being deleted', () => {
    expect(endOnSilentNode(pod({ ...silent, deleted: at('01:30') }), at('03:00'), 120)).toBeUndefined()
    expect(endOnSilentNode(pod({ ...silent, deleted: at('01:30') }), at('03:30'), 120)).toBeDefined()
  })
})

describe('pendingPod', () => {
  const limits = { imagePullTimeoutSeconds: 60, scheduleTimeoutSeconds: 600 }
  const at = (seconds: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + seconds * 1000)
  const scheduled: V1PodCondition = { type: 'PodScheduled', status: 'True', lastTransitionTime: at(500) }
  const waiting = (reason: string): PodParts => ({
    phase: 'Pending',
    conditions: [scheduled],
    state: { waiting: { reason, message: 'because' } },
  })

  it('waits for a node up to a limit, then fails with the last event', () => {
    const parts = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', message: 'none' }] }
    expect(pendingPod(pod(parts), at(599), limits, undefined)).toEqual({ state: 'pending', detail: 'none' })
    expect(pendingPod(pod(parts), at(600), limits, 'FailedScheduling: 0/1 nodes')).toMatchObject({
      reason: 'unschedulable',
      detail: 'FailedScheduling: 0/1 nodes',
    })
  })
  it('waits for an image since the pod has a node, and not at all for an invalid one', () => {
    for (const reason of ['ErrImagePull', 'ImagePullBackOff']) {
      expect(pendingPod(pod(waiting(reason)), at(559), limits, undefined)).toMatchObject({ state: 'pending' })
      expect(pendingPod(pod(waiting(reason)), at(560), limits, undefined)).toMatchObject({
        reason: 'image_pull_failed',
        detail: `${reason}: because`,
      })
    }
    expect(pendingPod(pod(waiting('InvalidImageName')), at(501), limits, undefined)).toMatchObject({
      reason: 'image_pull_failed',
    })
  })
  it('waits longer for a large image, then fails', () => {
    expect(pendingPod(pod(waiting('ContainerCreating')), at(1100), limits, 'Pulling: it')).toEqual({
      state: 'pending',
      detail: 'Pulling: it',
    })
    expect(pendingPod(pod(waiting('CreateContainerError')), at(1160), limits, undefined)).toMatchObject({
      reason: 'launch_failed',
    })
  })
})
