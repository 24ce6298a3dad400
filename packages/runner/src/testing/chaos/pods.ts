import { randomUUID } from 'node:crypto'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '@trainyard/platform'
import { createKubernetesClient, found } from '../../launchers/kubernetes/client.ts'
import { attemptName, instanceName, instanceSelector, parseLabels } from '../../launchers/kubernetes/names.ts'
import { findKubelet } from '../../launchers/kubernetes/testing/find-kubelet.ts'
import { type ChaosLauncher, findProcesses } from './victims.ts'

const CLAIM = 'datasets'
/** Shorter than the patience with silent nodes: nothing may be lost. */
const SILENCE_MS = 8000

/** Pods in a namespace of the run's own. The only node is this machine: attempts share a folder of it. */
export function kubernetesChaos(env: Record<string, string | undefined>, image: string | undefined): ChaosLauncher {
  const { KUBECONFIG: kubeconfig } = env
  const address = env.KUBERNETES_CALLBACK_ADDRESS
  if (kubeconfig === undefined || address === undefined || image === undefined)
    throw new ConfigError(
      'chaos needs KUBECONFIG, KUBERNETES_CALLBACK_ADDRESS (an address of this machine that pods reach) and --image ' +
        '(one with Node, by its digest, that the node has or can pull)',
    )
  const { core, batch, networking } = createKubernetesClient({ kubeconfig })
  const namespace = `trainyard-chaos-${randomUUID().slice(0, 8)}`
  const podsOf = async (instanceId: string) => {
    const labelSelector = instanceSelector(instanceName(instanceId))
    return (await core.listNamespacedPod({ namespace, labelSelector })).items
  }
  return {
    settings: {
      launcher: 'kubernetes',
      sandbox: 'none',
      image,
      places: 3,
      kubernetes: {
        KUBECONFIG: kubeconfig,
        KUBERNETES_NAMESPACE: namespace,
        KUBERNETES_CALLBACK_ADDRESS: address,
        KUBERNETES_DATASET_CACHE_CLAIM: CLAIM,
      },
    },
    address,
    underWay: 8,
    others: [['silent node', 2]],
    sharedDir: (dir) => join(dir, 'shared'),
    async open(dir) {
      const path = join(dir, 'shared')
      await mkdir(path)
      // Trainers run as a user of their own.
      await chmod(path, 0o777)
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
      await core.createNamespace({ body: { metadata: { name: namespace, labels } } })
      const capacity = { storage: '1Gi' }
      const accessModes = ['ReadWriteMany']
      await core.createPersistentVolume({
        body: {
          metadata: { name: namespace },
          spec: {
            ...{ capacity, accessModes, hostPath: { path }, storageClassName: '' },
            persistentVolumeReclaimPolicy: 'Retain',
            claimRef: { namespace, name: CLAIM },
          },
        },
      })
      await core.createNamespacedPersistentVolumeClaim({
        namespace,
        body: {
          metadata: { name: CLAIM },
          spec: { accessModes, storageClassName: '', volumeName: namespace, resources: { requests: capacity } },
        },
      })
    },
    async killTrainer({ instanceId }, random) {
      const running = (await podsOf(instanceId)).filter(
        ({ status, metadata }) => status?.phase === 'Running' && metadata?.deletionTimestamp === undefined,
      )
      const victim = running[Math.floor(random() * running.length)]
      const ref = parseLabels(victim?.metadata?.labels)
      const name = victim?.metadata?.name
      if (ref === undefined || name === undefined) return undefined
      const what = attemptName(instanceName(instanceId), ref)
      if (random() < 0.5) {
        const gone = await found(() =>
          core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: random() < 0.5 ? 0 : 1 }),
        )
        return gone === undefined ? undefined : `${what}, deleted with its pod`
      }
      // Its process, as the kernel would.
      const own = await findProcesses(
        (variables) =>
          variables.includes(`JOB_ID=${ref.jobId}`) &&
          variables.includes(`JOB_ATTEMPT=${ref.attempt}`) &&
          variables.some((one) => one.startsWith(`CALLBACK_URL=http://${address}:`) && one.includes('/v1/jobs/')) &&
          variables.includes(`HOSTNAME=${name}`),
      )
      for (const { pid } of own) process.kill(pid, 'SIGKILL')
      return own.length === 0 ? undefined : what
    },
    async killOther(_victim, _scene, random) {
      const kubelet = await findKubelet()
      if (kubelet === undefined) throw new Error('the kubelet is not a process of this machine')
      process.kill(kubelet, 'SIGSTOP')
      try {
        await sleep(random() * SILENCE_MS)
      } finally {
        process.kill(kubelet, 'SIGCONT')
      }
    },
    async leftovers({ instanceId }) {
      const labelSelector = instanceSelector(instanceName(instanceId))
      const lists = await Promise.all([
        podsOf(instanceId).then((all) => all.map(({ metadata }) => `pod ${metadata?.name}`)),
        batch
          .listNamespacedJob({ namespace, labelSelector })
          .then(({ items }) => items.map(({ metadata }) => `Job ${metadata?.name}`)),
        core
          .listNamespacedSecret({ namespace, labelSelector })
          .then(({ items }) => items.map(({ metadata }) => `Secret ${metadata?.name}`)),
        networking
          .listNamespacedNetworkPolicy({ namespace, labelSelector })
          .then(({ items }) => items.map(({ metadata }) => `NetworkPolicy ${metadata?.name}`)),
      ])
      return lists.flat()
    },
    async close() {
      await found(() => core.deleteNamespace({ name: namespace }))
      await found(() => core.deletePersistentVolume({ name: namespace }))
      // Its folder goes next: pods must not write there any more.
      for (let waits = 0; waits < 120 && (await found(() => core.readNamespace({ name: namespace }))); waits++)
        await sleep(500)
    },
  }
}
