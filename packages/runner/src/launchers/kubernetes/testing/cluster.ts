import { randomUUID } from 'node:crypto'
import { createLogger } from '@trainyard/platform'
import type { Launcher, LaunchRequest } from '../../launcher.ts'
import { launchRequest } from '../../testing/launch-request.ts'
import { createKubernetesClient, ignoringNotFound, type KubernetesClient } from '../client.ts'
import { type KubernetesConfig, readKubernetesConfig } from '../config.ts'
import { createKubernetesLauncher } from '../launcher.ts'
import { instanceName } from '../names.ts'

const image = process.env.TEST_KUBERNETES_IMAGE
export const hasCluster = process.env.KUBECONFIG !== undefined && image !== undefined
if (!hasCluster)
  console.warn(
    'SKIPPED: everything on Kubernetes. It needs KUBECONFIG, and TEST_KUBERNETES_IMAGE (an image with Node, by digest, that ' +
      'the nodes can pull) or a Docker engine on the only node that has the image node:24-bookworm-slim',
  )

/** An address of this machine that pods reach. */
export const hostAddress = process.env.TEST_KUBERNETES_CALLBACK_ADDRESS ?? process.env.LAB_HOST_IP

export interface TestCluster {
  client: KubernetesClient
  launcher: Launcher
  config: KubernetesConfig
  namespace: string
  instance: string
  /** Another launcher for the same attempts, as after a restart of the runner. */
  open(over?: Partial<KubernetesConfig>, client?: KubernetesClient): Launcher
  close(): Promise<void>
}

/** A new namespace with the *restricted* profile, and a launcher for it. Pods have small resources, so that many fit. */
export async function openCluster(over: Partial<KubernetesConfig> = {}): Promise<TestCluster> {
  const namespace = `trainyard-test-${randomUUID().slice(0, 8)}`
  const config: KubernetesConfig = {
    ...readKubernetesConfig(
      { KUBECONFIG: process.env.KUBECONFIG, KUBERNETES_NAMESPACE: namespace },
      { cancelGraceSeconds: 30, datasetCacheMaxGb: 1 },
    ),
    profiles: { default: { resources: { cpu: 0.01, memoryMb: 96, shmMb: 16, diskGb: 2 } } },
    ...over,
  }
  const client = createKubernetesClient(config)
  await client.core.createNamespace({
    body: { metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
  })
  const instanceId = randomUUID()
  const opened: Launcher[] = []
  const open: TestCluster['open'] = (more = {}, otherClient = client) => {
    const logger = createLogger({ name: 'test', level: process.env.TEST_LOG_LEVEL ?? 'silent' })
    const launcher = createKubernetesLauncher({ ...config, ...more, instanceId, logger, client: otherClient })
    opened.push(launcher)
    return launcher
  }
  return {
    client,
    config,
    namespace,
    instance: instanceName(instanceId),
    launcher: open(),
    open,
    async close() {
      for (const launcher of opened) await launcher.close?.()
      await ignoringNotFound(() => client.core.deleteNamespace({ name: namespace }))
    },
  }
}

let nextJob = 1

/** A request that runs a Node program as the trainer. */
export function requestOf(program: string, over: Partial<LaunchRequest> = {}): LaunchRequest {
  return launchRequest({
    jobId: nextJob++,
    callbackUrl: 'http://10.88.0.1:1/v1/jobs/1',
    trainer: { type: 'image', reference: image ?? '' },
    argv: ['node', '-e', program],
    ...over,
  })
}
