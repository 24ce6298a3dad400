import type { V1ContainerState, V1Pod, V1PodCondition } from '@kubernetes/client-node'
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
  return {
    metadata: {
      name: 'p',
      creationTimestamp: new Date('2026-01-01T00:00:00Z'),
      ...(deleted === undefined ? {} : { deletionTimestamp: deleted }),
    },
    spec: { nodeName: 'n1', containers: [{ name: 'trainer', resources: { limits: { memory: '96Mi' } } }] },
    status: {
      phase,
      conditions,
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
      ...(state === undefined
        ? {}
        : { containerStatuses: [{ name: 'trainer', image: 'i', imageID: 'i', ready: true, restartCount: 0, state }] }),
    },
  }
}
const terminated = (exitCode: number, reason = 'Error', message?: string) => ({
  terminated: {
    exitCode,
    reason,
    finishedAt: new Date('2026-01-01T00:01:00Z'),
    ...(message === undefined ? {} : { message }),
  },
})
const disrupted = (reason: string): V1PodCondition => ({
  type: 'DisruptionTarget',
  status: 'True',
  reason,
  message: 'so',
})
const deleted = new Date('2026-01-01T00:00:50Z')

describe('the end of a pod', () => {
  it.each<[string, PodParts, object]>([
    [
      'OOMKilled comes before everything, whatever the exit code says',
      {
        state: terminated(1, 'OOMKilled'),
        reason: 'Evicted',
        message: 'ephemeral local storage',
        conditions: [disrupted('x')],
      },
      { exitCode: 1, reason: 'out_of_memory', detail: 'its limit is 96Mi' },
    ],
    [
      'then its own disk',
      {
        state: terminated(137),
        reason: 'Evicted',
        message: 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.',
        conditions: [disrupted('TerminationByKubelet')],
      },
      { reason: 'storage_limit', detail: expect.stringContaining('1Gi') },
    ],
    [
      'a folder of its own that is full is its own disk',
      { reason: 'Evicted', message: 'Usage of EmptyDir volume "work" exceeds the limit "1Gi".' },
      { reason: 'storage_limit' },
    ],
    [
      'a node that runs out of disk or memory is not the trainer’s fault',
      { reason: 'Evicted', message: 'The node was low on resource: memory. Threshold quantity: 100Mi' },
      { reason: 'preempted' },
    ],
    [
      'then preemption',
      { state: terminated(143), conditions: [disrupted('PreemptionByScheduler')] },
      { reason: 'preempted', detail: 'so' },
    ],
    [
      'a drained node',
      { state: terminated(0), conditions: [disrupted('EvictionByEvictionAPI')] },
      { reason: 'preempted' },
    ],
    [
      'a tainted node',
      { state: terminated(137), conditions: [disrupted('DeletionByTaintManager')] },
      { reason: 'node_lost' },
    ],
    [
      'a node that shuts down',
      { state: terminated(137), reason: 'NodeShutdown', message: 'bye' },
      { reason: 'node_lost', detail: 'bye' },
    ],
    ['a node that had no room after all', { reason: 'OutOfmemory', message: 'no' }, { reason: 'preempted' }],
    [
      'a container that nobody knows of any more',
      { state: terminated(137, 'ContainerStatusUnknown') },
      { reason: 'node_lost' },
    ],
    [
      'a deletion that was not ours',
      { state: terminated(143), deleted },
      { reason: 'node_lost', detail: expect.stringContaining('outside') },
    ],
    ['the Job’s backstop', { state: terminated(143), reason: 'DeadlineExceeded' }, { reason: 'deadline' }],
  ])('%s', (_, parts, expected) => {
    expect(endOfPod(pod(parts), false)).toMatchObject({ state: 'exited', ...expected })
  })

  it('is its exit code when nothing else happened, with the signal and the time', () => {
    expect(endOfPod(pod({ state: terminated(139) }), false)).toEqual({
      state: 'exited',
      exitCode: 139,
      signal: 'SIGSEGV',
      finishedAt: new Date('2026-01-01T00:01:00Z'),
    })
    expect(endOfPod(pod({ phase: 'Running', state: terminated(0, 'Completed') }), false)).toMatchObject({ exitCode: 0 })
  })

  it('is its exit code when the deletion was ours', () => {
    expect(endOfPod(pod({ state: terminated(143), deleted }), true)).not.toHaveProperty('reason')
  })

  it('is 127 when the program is not there', () => {
    const message = 'exec: "nope": executable file not found in $PATH'
    expect(endOfPod(pod({ state: terminated(128, 'StartError', message) }), false)).toMatchObject({ exitCode: 127 })
  })

  it('is none while it runs, and while it is on its way out', () => {
    const running = { phase: 'Running', state: { running: {} } }
    expect(endOfPod(pod(running), false)).toBeUndefined()
    expect(endOfPod(pod({ ...running, deleted }), false)).toBeUndefined()
  })

  it('is the node’s when the cluster gave the node up, though nobody confirms it', () => {
    const parts = {
      phase: 'Running',
      state: { running: {} },
      deleted,
      conditions: [disrupted('DeletionByTaintManager')],
    }
    expect(endOfPod(pod(parts), false)).toMatchObject({ reason: 'node_lost' })
  })
})

describe('a silent node', () => {
  const silent = {
    phase: 'Running',
    state: { running: {} },
    conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: new Date('2026-01-01T00:00:00Z') }],
  }
  const at = (text: string) => new Date(`2026-01-01T00:${text}Z`)
  it('is given up after its time, named', () => {
    expect(endOnSilentNode(pod(silent), at('01:59'), 120)).toBeUndefined()
    expect(endOnSilentNode(pod(silent), at('02:00'), 120)).toMatchObject({
      reason: 'node_lost',
      detail: expect.stringContaining('n1'),
    })
  })
  it('is not a pod that has its grace', () => {
    expect(endOnSilentNode(pod({ ...silent, deleted: at('01:30') }), at('03:00'), 120)).toBeUndefined()
    expect(endOnSilentNode(pod({ ...silent, deleted: at('01:30') }), at('03:30'), 120)).toBeDefined()
  })
})

describe('a pod that does not run yet', () => {
  const limits = { imagePullTimeoutSeconds: 60, scheduleTimeoutSeconds: 600 }
  const at = (seconds: number) => new Date(Date.parse('2026-01-01T00:00:00Z') + seconds * 1000)
  const scheduled: V1PodCondition = { type: 'PodScheduled', status: 'True', lastTransitionTime: at(500) }
  const waiting = (reason: string): PodParts => ({
    phase: 'Pending',
    conditions: [scheduled],
    state: { waiting: { reason, message: 'because' } },
  })

  it('waits for a node until its time is over, with the last event', () => {
    const parts = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', message: 'none' }] }
    expect(pendingPod(pod(parts), at(599), limits, undefined)).toEqual({ state: 'pending', detail: 'none' })
    expect(pendingPod(pod(parts), at(600), limits, 'FailedScheduling: 0/1 nodes')).toMatchObject({
      reason: 'unschedulable',
      detail: 'FailedScheduling: 0/1 nodes',
    })
  })
  it('waits for an image from when it has a node, and not at all for one that cannot be', () => {
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
  it('may pull a large image for long, and is given up when nothing comes of it', () => {
    expect(pendingPod(pod(waiting('ContainerCreating')), at(1100), limits, 'Pulling: it')).toEqual({
      state: 'pending',
      detail: 'Pulling: it',
    })
    expect(pendingPod(pod(waiting('CreateContainerError')), at(1160), limits, undefined)).toMatchObject({
      reason: 'launch_failed',
    })
  })
})
