import { describe } from 'vitest'
import { launcherCases } from '../conformance.cases.ts'
import { hasCluster, openCluster } from './testing/cluster.ts'

describe.skipIf(!hasCluster)('on a cluster', () => {
  launcherCases('kubernetes', async () => {
    const cluster = await openCluster()
    return {
      launcher: cluster.launcher,
      trainer: { type: 'image', reference: process.env.TEST_KUBERNETES_IMAGE ?? '' },
      close: cluster.close,
    }
  })
})
