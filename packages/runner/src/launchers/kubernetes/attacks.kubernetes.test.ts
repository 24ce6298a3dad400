import { describe } from 'vitest'
import { ATTACK_LIMITS, attackCases } from '../attacks.cases.ts'
import { hasCluster, openCluster } from './testing/cluster.ts'

describe.skipIf(!hasCluster)('on a cluster', () => {
  attackCases({
    name: 'kubernetes',
    create: async () => {
      const resources = { cpu: 0.01, memoryMb: 256, shmMb: ATTACK_LIMITS.shmMb, diskGb: 2 }
      const cluster = await openCluster({ profiles: { default: { resources } } })
      return {
        launcher: cluster.launcher,
        trainer: { type: 'image', reference: process.env.TEST_KUBERNETES_IMAGE ?? '' },
        close: cluster.close,
      }
    },
    succeeding: [
      // The filter of containerd (RuntimeDefault) allows them, within the container.
      'uses io_uring',
      'traces a process',
      // The kubelet counts files by their names, unless the file system has project quotas.
      'fills the disk with deleted files',
      // A pod has no limit of processes in the API. The kubelet has one: podPidsLimit.
      'starts processes without end',
    ],
  })
})
