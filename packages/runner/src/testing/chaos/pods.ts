import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '@trainyard/platform'
import { createKubernetesClient, ignoringNotFound } from '../../launchers/kubernetes/client.ts'
import { attemptName, instanceName, instanceSelector, parseLabels } from '../../launchers/kubernetes/names.ts'
import { hostCidr } from '../../launchers/kubernetes/network-policy.ts'
import { killKubelet, pauseServer } from '../../launchers/kubernetes/testing/cluster-servers.ts'
import { findProcesses, killProcess } from '../processes.ts'
import type { ChaosLauncher } from './victims.ts'

/** Shorter than the patience with silent nodes: nothing may be lost. */
const SILENCE_MS = 8000

/** Pods in a namespace of the run's own. */
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
  const settings = {
    KUBECONFIG: kubeconfig,
    KUBERNETES_NAMESPACE: namespace,
    KUBERNETES_CALLBACK_ADDRESS: address,
  }
  return {
    settings: { launcher: 'kubernetes', sandbox: 'none', image, places: 3, kubernetes: settings },
    // One port of one address: everything else stays as closed as it is for every trainer.
    allowWitness: (port) => ({
      kubernetes: { ...settings, KUBERNETES_EGRESS: `${hostCidr(address)}:${port}` },
    }),
    address,
    underWay: 8,
    pace: 4,
    others: [
      ['kubelet', 3],
      ['kubelet, silent', 1],
      ['API server, silent', 1],
    ],
    async open() {
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
      await core.createNamespace({ body: { metadata: { name: namespace, labels } } })
    },
    async killTrainer({ instanceId }, random) {
      const running = (await podsOf(instanceId)).filter(
        ({ status, metadata }) => status?.phase === 'Running' && metadata?.deletionTimestamp === undefined,
      )
      const victim = running[Math.floor(random() * running.length)]
      const ref = parseLabels(victim?.metadata?.labels)
      const name = victim?.metadata?.name
      if (ref === undefined || name === undefined) return undefined
      const whom = attemptName(instanceName(instanceId), ref)
      const key = `${ref.jobId}-${ref.attempt}`
      const how = random()
      if (how < 0.6) {
        const isForced = how < 0.3
        // By hand, with the grace that the pod itself asks for, or without any.
        const target = { name, namespace, ...(isForced ? { gracePeriodSeconds: 0 } : {}) }
        if ((await ignoringNotFound(() => core.deleteNamespacedPod(target))) === undefined) return undefined
        return isForced ? { how: 'pod deleted by force', whom, mayLiveOn: key } : { how: 'pod deleted', whom }
      }
      // Its process, as the kernel would.
      const own = await findProcesses(
        (variables) =>
          variables.includes(`JOB_ID=${ref.jobId}`) &&
          variables.includes(`JOB_ATTEMPT=${ref.attempt}`) &&
          variables.some((one) => one.startsWith(`CALLBACK_URL=http://${address}:`) && one.includes('/v1/jobs/')) &&
          variables.includes(`HOSTNAME=${name}`),
      )
      return own.filter(({ pid }) => killProcess(pid)).length === 0 ? undefined : { how: 'process in its pod', whom }
    },
    async killOther(victim) {
      const comeBack =
        victim === 'kubelet'
          ? await killKubelet()
          : await pauseServer(victim === 'API server, silent' ? 'apiserver' : 'kubelet')
      if (comeBack === undefined) throw new Error(`${victim}: it is not a process of this machine`)
      return { withinMs: SILENCE_MS, comeBack }
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
      await ignoringNotFound(() => core.deleteNamespace({ name: namespace }))
      for (
        let waits = 0;
        waits < 120 && (await ignoringNotFound(() => core.readNamespace({ name: namespace })));
        waits++
      )
        await sleep(500)
    },
  }
}
