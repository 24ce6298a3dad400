import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  loadAllYaml,
  type V1PodSpec,
} from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKubernetesClient } from './client.ts'
import { attemptManifests } from './spec.ts'
import { hasCluster, openCluster, requestOf, type TestCluster } from './testing/cluster.ts'
import { readUntil, waitForState } from './testing/waiting.ts'

const EXAMPLES = join(import.meta.dirname, '../../../../../examples/kubernetes')

describe.skipIf(!hasCluster)('a namespace with the restricted profile', () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await openCluster()
  })
  afterAll(() => cluster.close())

  const manifests = (config = cluster.config) =>
    attemptManifests(
      requestOf('', { resources: { cpu: 2, memoryMb: 1000, gpu: 1, shmMb: 100, diskGb: 3 }, deadlineSeconds: 60 }),
      {
        config,
        instance: cluster.instance,
        destinations: [{ cidr: '0.0.0.0/0', port: 443 }, { cidr: '::/0' }],
        apiServer: [{ ip: '10.88.0.1', port: 9643 }],
      },
    )
  const dryRun = { dryRun: 'All', fieldValidation: 'Strict' }
  const createPod = (change: (spec: V1PodSpec) => void) => {
    const { metadata, spec } = manifests().job.spec?.template ?? {}
    if (spec === undefined) throw new Error('the Job has no pod template')
    change(spec)
    const { namespace, client } = cluster
    return client.core.createNamespacedPod({
      namespace,
      body: { metadata: { ...metadata, name: 'x' }, spec },
      ...dryRun,
    })
  }

  it('accepts all objects of an attempt', async () => {
    const { client, namespace, config } = cluster
    const { job, secret, networkPolicy } = manifests({
      ...config,
      kueueQueue: 'training',
      datasetCache: { claim: 'datasets', dir: '/srv/datasets' },
      imagePullSecrets: ['registry'],
    })
    await client.batch.createNamespacedJob({ namespace, body: job, ...dryRun })
    await client.core.createNamespacedSecret({ namespace, body: secret, ...dryRun })
    await client.networking.createNamespacedNetworkPolicy({ namespace, body: networkPolicy, ...dryRun })
    await createPod(() => {})
  })

  it.each<[string, (spec: V1PodSpec) => void]>([
    ['as root', (spec) => Object.assign(spec.securityContext ?? {}, { runAsNonRoot: false })],
    ['with capabilities', (spec) => void delete spec.containers[0]?.securityContext?.capabilities],
    ['with privilege escalation', (spec) => void delete spec.containers[0]?.securityContext?.allowPrivilegeEscalation],
    ['without seccomp', (spec) => void delete spec.securityContext?.seccompProfile],
    ['with a folder of the host', (spec) => spec.volumes?.push({ name: 'host', hostPath: { path: '/' } })],
  ])('rejects a pod %s', async (_, change) => {
    await expect(createPod(change)).rejects.toMatchObject({ code: 403 })
  })

  it('accepts every object of the example deployment', async () => {
    const objects = KubernetesObjectApi.makeApiClient(cluster.client.kubeConfig)
    const files = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.yaml')).toSorted()
    expect(files).not.toEqual([])
    for (const file of files)
      for (const object of loadAllYaml(await readFile(join(EXAMPLES, file), 'utf8')) as KubernetesObject[]) {
        // In the test's own namespace, because the example's does not exist.
        if (object.metadata?.namespace !== undefined) object.metadata.namespace = cluster.namespace
        await objects.create(object, undefined, 'All')
        if (isDeployment(object)) await createPod((spec) => replaceSpec(spec, object.spec.template.spec))
      }
  })

  it('gives a runner with the example’s rights all it needs and nothing else', async () => {
    const { client, namespace } = cluster
    const objects = KubernetesObjectApi.makeApiClient(client.kubeConfig)
    const text = await readFile(join(EXAMPLES, 'rights.yaml'), 'utf8')
    for (const object of loadAllYaml(text.replaceAll(/namespace: trainyard(-system)?$/gm, `namespace: ${namespace}`)))
      await objects.create(object as KubernetesObject)
    const { status } = await client.core.createNamespacedServiceAccountToken({
      name: 'trainyard-runner',
      namespace,
      body: { spec: { audiences: [], expirationSeconds: 3600 } },
    })
    const kubeConfig = new KubeConfig()
    kubeConfig.loadFromString(client.kubeConfig.exportConfig())
    const [user] = kubeConfig.users
    kubeConfig.loadFromOptions({ ...kubeConfig, users: [{ name: user?.name, token: status?.token }] })
    const limited = createKubernetesClient({ kubeConfig })
    await expect(limited.core.listPodForAllNamespaces()).rejects.toMatchObject({ code: 403 })
    await expect(limited.core.readNamespacedSecret({ name: 'x', namespace })).rejects.toMatchObject({ code: 403 })

    const launcher = cluster.open({}, limited)
    const request = requestOf(`console.log('hello'); setInterval(() => {}, 1000)`)
    await launcher.launch(request)
    await launcher.launch(request)
    await waitForState(launcher, request, ['running'])
    await readUntil(launcher, request, 'hello')
    await launcher.stop(request, 1000)
    expect(await launcher.observe(request)).toMatchObject({ state: 'exited', exitCode: 143 })
    const waiting = requestOf('', { resources: { cpu: 1000 } })
    await launcher.launch(waiting)
    await waitForState(launcher, waiting, ['pending'])
    const listed: unknown[] = []
    for await (const ref of launcher.list()) listed.push(ref)
    expect(listed).toHaveLength(2)
    for (const one of [request, waiting]) {
      await launcher.remove(one)
      expect(await launcher.observe(one)).toEqual({ state: 'absent' })
    }
  })
})

const isDeployment = (
  object: KubernetesObject,
): object is KubernetesObject & { spec: { template: { spec: V1PodSpec } } } => object.kind === 'Deployment'

/** The profile rejects pods, but only warns about Deployments. The account is dropped, because it does not exist. */
function replaceSpec(spec: V1PodSpec, other: V1PodSpec): void {
  for (const name of Object.keys(spec)) delete spec[name as keyof V1PodSpec]
  const { serviceAccountName: _account, ...rest } = other
  Object.assign(spec, rest)
}
