import { describe } from 'vitest'
import { hasCluster, hostAddress } from '../../launchers/kubernetes/testing/cluster.ts'
import { kubernetesChaos } from './kubernetes.ts'
import { replicaCases } from './replicas.cases.ts'

const isReady = hasCluster && hostAddress !== undefined
if (!isReady)
  console.warn(
    'SKIPPED: two replicas with one cluster. It needs KUBECONFIG, TEST_KUBERNETES_CALLBACK_ADDRESS (an address of this machine ' +
      'that pods reach) and TEST_KUBERNETES_IMAGE, or a Docker engine on the only node that has the image node:24-bookworm-slim',
  )

describe.skipIf(!isReady)('with one cluster', () => {
  const env = { ...process.env, KUBERNETES_CALLBACK_ADDRESS: hostAddress }
  replicaCases(async () => kubernetesChaos(env, process.env.TEST_KUBERNETES_IMAGE))
})
