import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { V1ObjectMeta } from '@kubernetes/client-node'
import { ConfigError } from '@trainyard/platform'
import { createKubernetesClient, ignoringNotFound, type KubernetesClient } from '../../launchers/kubernetes/client.ts'
import { attemptName, instanceName, instanceSelector, parseLabels } from '../../launchers/kubernetes/names.ts'
import { hostCidr } from '../../launchers/kubernetes/network-policy.ts'
import { killKubelet, pauseServer } from '../../launchers/kubernetes/testing/cluster-servers.ts'
import { findProcesses, killProcess } from '../processes.ts'
import type { ChaosLauncher, ChaosScene, Kill, LauncherSettings } from './chaos-launcher.ts'

/** Shorter than `nodeLostSeconds`, so that no attempt is lost. */
const OUTAGE_MS = 8000
/** How long a namespace takes to disappear, at most. */
const NAMESPACE_TIMEOUT_MS = 60_000

/** Trainers are pods in a namespace of this run. */
export function kubernetesChaos(env: Record<string, string | undefined>, image: string | undefined): ChaosLauncher {
  const { KUBECONFIG: kubeconfig, KUBERNETES_CALLBACK_ADDRESS: address } = env
  if (kubeconfig === undefined || address === undefined || image === undefined)
    throw new ConfigError(
      'The chaos run needs KUBECONFIG, KUBERNETES_CALLBACK_ADDRESS (an address of this machine that pods reach) and --image ' +
        '(an image with Node, by digest, that the node has or can pull)',
    )
  return new KubernetesChaos(kubeconfig, address, image)
}

class KubernetesChaos implements ChaosLauncher {
  readonly settings: LauncherSettings
  readonly address: string
  readonly concurrency = 8
  readonly pace = 4
  readonly victims: readonly [string, number][] = [
    ['kubelet', 3],
    ['kubelet, paused', 1],
    ['API server, paused', 1],
  ]
  readonly #variables: Record<string, string>
  readonly #client: KubernetesClient
  readonly #namespace = `trainyard-chaos-${randomUUID().slice(0, 8)}`

  constructor(kubeconfig: string, address: string, image: string) {
    this.address = address
    this.#client = createKubernetesClient({ kubeconfig })
    this.#variables = {
      KUBECONFIG: kubeconfig,
      KUBERNETES_NAMESPACE: this.#namespace,
      KUBERNETES_CALLBACK_ADDRESS: address,
    }
    this.settings = {
      launcher: 'kubernetes',
      sandbox: 'none',
      image,
      maxConcurrentJobs: 3,
      kubernetes: this.#variables,
    }
  }

  /** One port of one address. Everything else stays closed, as for every trainer. */
  allowWitness(port: number): Partial<LauncherSettings> {
    return { kubernetes: { ...this.#variables, KUBERNETES_EGRESS: `${hostCidr(this.address)}:${port}` } }
  }

  async open(): Promise<void> {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    await this.#client.core.createNamespace({ body: { metadata: { name: this.#namespace, labels } } })
  }

  async killTrainer({ instanceId }: ChaosScene, random: () => number): Promise<Kill | undefined> {
    const running = (await this.#podsOf(instanceId)).filter(
      ({ status, metadata }) => status?.phase === 'Running' && metadata?.deletionTimestamp === undefined,
    )
    const victim = running[Math.floor(random() * running.length)]
    const ref = parseLabels(victim?.metadata?.labels)
    const name = victim?.metadata?.name
    if (ref === undefined || name === undefined) return undefined
    const attempt = attemptName(instanceName(instanceId), ref)
    const choice = random()
    if (choice < 0.3) {
      const target = { name, namespace: this.#namespace, gracePeriodSeconds: 0 }
      const deleted = await ignoringNotFound(() => this.#client.core.deleteNamespacedPod(target))
      return deleted && { how: 'pod deleted by force', attempt, overlapping: `${ref.jobId}-${ref.attempt}` }
    }
    if (choice < 0.6) {
      const target = { name, namespace: this.#namespace }
      const deleted = await ignoringNotFound(() => this.#client.core.deleteNamespacedPod(target))
      return deleted && { how: 'pod deleted', attempt }
    }
    const processes = await findProcesses(
      (variables) =>
        variables.includes(`JOB_ID=${ref.jobId}`) &&
        variables.includes(`JOB_ATTEMPT=${ref.attempt}`) &&
        variables.some((one) => one.startsWith(`CALLBACK_URL=http://${this.address}:`) && one.includes('/v1/jobs/')) &&
        variables.includes(`HOSTNAME=${name}`),
    )
    const killed = processes.filter(({ pid }) => killProcess(pid))
    return killed.length === 0 ? undefined : { how: 'process in a pod', attempt }
  }

  async killVictim(victim: string): Promise<{ withinMs: number; restore: () => Promise<void> }> {
    const restore =
      victim === 'kubelet'
        ? await killKubelet()
        : await pauseServer(victim === 'API server, paused' ? 'apiserver' : 'kubelet')
    if (restore === undefined) throw new Error(`${victim}: expected it to be a process of this machine`)
    return { withinMs: OUTAGE_MS, restore }
  }

  async leftovers({ instanceId }: ChaosScene): Promise<string[]> {
    const { batch, core, networking } = this.#client
    const query = { namespace: this.#namespace, labelSelector: instanceSelector(instanceName(instanceId)) }
    const [pods, jobs, secrets, policies] = await Promise.all([
      this.#podsOf(instanceId),
      batch.listNamespacedJob(query),
      core.listNamespacedSecret(query),
      networking.listNamespacedNetworkPolicy(query),
    ])
    return [
      ...namesOf('pod', pods),
      ...namesOf('Job', jobs.items),
      ...namesOf('Secret', secrets.items),
      ...namesOf('NetworkPolicy', policies.items),
    ]
  }

  async close(): Promise<void> {
    const target = { name: this.#namespace }
    await ignoringNotFound(() => this.#client.core.deleteNamespace(target))
    const endsAt = performance.now() + NAMESPACE_TIMEOUT_MS
    const exists = async () => (await ignoringNotFound(() => this.#client.core.readNamespace(target))) !== undefined
    while (performance.now() < endsAt && (await exists())) await sleep(500)
  }

  async #podsOf(instanceId: string) {
    const query = { namespace: this.#namespace, labelSelector: instanceSelector(instanceName(instanceId)) }
    return (await this.#client.core.listNamespacedPod(query)).items
  }
}

function namesOf(kind: string, objects: readonly { metadata?: V1ObjectMeta }[]): string[] {
  return objects.map(({ metadata }) => `${kind} ${metadata?.name}`)
}
