import { describe } from 'vitest'
import { kubernetesChaos } from './pods.ts'
import { replicaCases } from './replicas.cases.ts'

const { KUBECONFIG, TEST_KUBERNETES_IMAGE: image, LAB_HOST_IP } = process.env
/** Pods reach this machine there. */
const address = process.env.TEST_KUBERNETES_CALLBACK_ADDRESS ?? LAB_HOST_IP
const isReady = KUBECONFIG !== undefined && image !== undefined && address !== undefined
if (!isReady)
  console.warn(
    'SKIPPED: two replicas with one cluster. It needs KUBECONFIG, TEST_KUBERNETES_CALLBACK_ADDRESS (an address of this machine ' +
      'that pods reach) and TEST_KUBERNETES_IMAGE, or a Docker engine that holds node:24-bookworm-slim on the only node',
  )

describe.skipIf(!isReady)('with one cluster', () => {
  replicaCases(async () => kubernetesChaos({ ...process.env, KUBERNETES_CALLBACK_ADDRESS: address }, image))
})
