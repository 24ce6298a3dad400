import { dumpYaml } from '@kubernetes/client-node'
import { describe, expect, it } from 'vitest'
import type { LaunchRequest } from '../launcher.ts'
import { type KubernetesConfig, readKubernetesConfig } from './config.ts'
import { attemptManifests, ownedBy } from './spec.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const runner = { cancelGraceSeconds: 30, datasetCacheMaxGb: 20 }
const request: LaunchRequest = {
  jobId: 42,
  attempt: 3,
  operation: 'train',
  callbackUrl: 'http://platform.example:7600/v1/jobs/42',
  token: 'header.payload.signature',
  traceId: '0123456789abcdef0123456789abcdef',
  taskType: 'detection',
  framework: 'pytorch',
  model: 'tiny',
  config: { basic: { epochs: 5 }, advanced: {} },
  dataset: { id: 'ds_1', snapshotId: 'snap_1', versionHash: 'b'.repeat(64) },
  trainer: { type: 'image', reference: `registry.example/acme/plain@${DIGEST}` },
  resources: { cpu: 4, memoryMb: 16_384, gpu: 2, shmMb: 8192, diskGb: 100 },
  networkHosts: [],
  deadlineSeconds: 3600,
  argv: ['python', 'train.py', '--note', '$(HOME) costs $5'],
}

function build(over: Partial<LaunchRequest> = {}, config: Partial<KubernetesConfig> = {}) {
  const manifests = attemptManifests(
    { ...request, ...over },
    {
      config: { ...readKubernetesConfig({}, runner), ...config },
      instance: '0123456789',
      destinations: [
        { cidr: '10.1.2.3/32', port: 7600 },
        { cidr: '0.0.0.0/0', port: 443 },
      ],
      apiServer: [{ ip: '10.0.0.1', port: 6443 }],
    },
  )
  const spec = manifests.job.spec
  const pod = spec?.template.spec
  const [container] = pod?.containers ?? []
  if (spec === undefined || pod === undefined || container === undefined) throw new Error('the Job has no pod template')
  return { ...manifests, spec, pod, container }
}

const without = (env: { name: string; value?: string }[] | undefined) =>
  env?.filter(({ name }) => name !== 'TRACEPARENT')

/** As `kubectl get --output yaml` prints them. */
const asYaml = (objects: readonly object[]) => objects.map((one) => dumpYaml(one)).join('---\n')

describe('the manifests of an attempt', () => {
  it('match the golden file, with everything set', async () => {
    const { job, secret, networkPolicy, container } = build(
      {},
      {
        kueueQueue: 'training',
        imagePullSecrets: ['registry'],
        datasetCache: { claim: 'datasets', dir: '/srv/datasets' },
        profiles: {
          default: { labels: { team: 'vision' }, resources: { shmMb: 1024 } },
          gpu: { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }] },
          frameworks: { pytorch: { nodeSelector: { 'node.example/pool': 'gpu' }, runtimeClassName: 'nvidia' } },
        },
      },
    )
    container.env = without(container.env) ?? []
    await expect(asYaml([job, secret, networkPolicy])).toMatchFileSnapshot('golden/everything.yaml')
  })

  it('match the golden file, with nothing set', async () => {
    const { dataset: _dataset, deadlineSeconds: _deadline, ...bare } = request
    const { job, secret, networkPolicy, container } = build({ ...bare, resources: {}, framework: 'none' })
    delete job.spec?.activeDeadlineSeconds
    container.env = without(container.env) ?? []
    await expect(asYaml([job, secret, networkPolicy])).toMatchFileSnapshot('golden/nothing.yaml')
  })
})

describe('a program behind the bridge', () => {
  const bridge = ['exec', '--as', 'yolo', '--']

  it('gets it from an init container, and cannot change it', async () => {
    const { pod, container } = build({ bridge }, { bridgeImage: 'registry.example/trainyard/runner:1.0.0' })
    const part = {
      initContainers: pod.initContainers,
      command: container.command,
      mount: container.volumeMounts?.find(({ name }) => name === 'bridge'),
      volume: pod.volumes?.find(({ name }) => name === 'bridge'),
    }
    await expect(asYaml([part])).toMatchFileSnapshot('golden/bridge.yaml')
  })

  it('uses that of its image where no image is configured, and no bridge for other programs', () => {
    const own = build({ bridge })
    expect(own.pod).not.toHaveProperty('initContainers')
    expect(own.container.command?.slice(0, 3)).toEqual(['trainyard', 'exec', '--as'])
    const without = build({}, { bridgeImage: 'runner:1' })
    expect(without.pod).not.toHaveProperty('initContainers')
    expect(without.pod.volumes?.map(({ name }) => name)).not.toContain('bridge')
  })

  it('an image that is not a name is an error', () => {
    expect(() => readKubernetesConfig({ KUBERNETES_BRIDGE_IMAGE: 'the runner' }, runner)).toThrow(
      /KUBERNETES_BRIDGE_IMAGE.*must be the name of an image/,
    )
  })
})

describe('the checklist', () => {
  it('no part of a Job is shared with another Job', () => {
    const bridge = ['exec', '--as', 'yolo', '--']
    const first = new Set(partsOf(build({ bridge }, { bridgeImage: 'runner:1' }).job.spec))
    const second = partsOf(build({ bridge }, { bridgeImage: 'runner:1' }).job.spec)
    expect(second.filter((part) => first.has(part))).toEqual([])
  })

  it('one Job for each attempt and one pod, which Kubernetes does not retry', () => {
    const { spec, pod, job } = build()
    expect(job.metadata?.name).toBe('trainyard-0123456789-42-3')
    expect(spec).toMatchObject({ parallelism: 1, completions: 1, backoffLimit: 0, podReplacementPolicy: 'Failed' })
    expect(pod.restartPolicy).toBe('Never')
  })

  it('activeDeadlineSeconds is later than the runner’s own deadline, including everything before the start', () => {
    const { activeDeadlineSeconds } = build().spec
    expect(activeDeadlineSeconds).toBeGreaterThan(3600 + 1800 + 600 + 30)
    expect(build({ deadlineSeconds: 0.5 }).spec.activeDeadlineSeconds).toSatisfy(Number.isInteger)
  })

  it('ttlSecondsAfterFinished is at least 600, whatever is configured', () => {
    expect(build({}, { jobTtlSeconds: 5 }).spec.ttlSecondsAfterFinished).toBe(600)
    expect(build().spec.ttlSecondsAfterFinished).toBe(86_400)
    expect(() => readKubernetesConfig({ KUBERNETES_JOB_TTL_SECONDS: '60' }, runner)).toThrow(/at least 600.*"60"/)
  })

  it('the Job is suspended and has a Kueue label only if a queue is configured', () => {
    const queued = build({}, { kueueQueue: 'training' })
    expect(queued.spec.suspend).toBe(true)
    expect(queued.job.metadata?.labels?.['kueue.x-k8s.io/queue-name']).toBe('training')
    expect(build().spec).not.toHaveProperty('suspend')
    expect(build().job.metadata?.labels).not.toHaveProperty('kueue.x-k8s.io/queue-name')
  })

  it('the pod has no privileges', () => {
    expect(build().pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65_532,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(build().container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(() => readKubernetesConfig({ KUBERNETES_RUN_AS_USER: '0' }, runner)).toThrow(/must not be 0/)
  })

  it('the writable volumes are the work folder, /tmp, the cache and shared memory, each with a size limit', () => {
    const { pod, container } = build()
    const writable = container.volumeMounts?.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath)
    expect(writable).toEqual(['/trainyard/work', '/trainyard/cache', '/tmp', '/dev/shm'])
    const sizes = Object.fromEntries(pod.volumes?.map(({ name, emptyDir }) => [name, emptyDir]) ?? [])
    expect(sizes).toMatchObject({
      work: { sizeLimit: '100Gi' },
      cache: { sizeLimit: '100Gi' },
      tmp: { sizeLimit: '10Gi' },
      shm: { medium: 'Memory', sizeLimit: '8192Mi' },
    })
  })

  it('a cache that the runner fills is read-only, and the kubelet does not change its files', () => {
    const { pod, container } = build({}, { datasetCache: { claim: 'datasets', dir: '/srv/datasets' } })
    expect(container.volumeMounts).toContainEqual({ name: 'cache', mountPath: '/trainyard/cache', readOnly: true })
    const claim = { claimName: 'datasets', readOnly: true }
    expect(pod.volumes).toContainEqual({ name: 'cache', persistentVolumeClaim: claim })
    expect(container.env).toContainEqual({ name: 'DATASET_CACHE_FILLED_BY', value: 'platform' })
    expect(build().container.env).not.toContainEqual({ name: 'DATASET_CACHE_FILLED_BY', value: 'platform' })
  })

  it('a claim without the folder of the runner is an error', () => {
    const env = { KUBERNETES_DATASET_CACHE_CLAIM: 'datasets' }
    expect(() => readKubernetesConfig(env, runner)).toThrow(/CLAIM is "datasets", but DATASET_CACHE_DIR is not set/)
    expect(readKubernetesConfig(env, { ...runner, datasetCacheDir: '/srv/x' })).toMatchObject({
      datasetCache: { claim: 'datasets', dir: '/srv/x' },
    })
  })

  it('the pod has no service account token and no variables of Services', () => {
    expect(build().pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
  })

  it('the image must be named by digest', () => {
    expect(build().container.image).toBe(`registry.example/acme/plain@${DIGEST}`)
    for (const reference of ['acme/plain:1.0.0', 'acme/plain', `acme/plain@${DIGEST}0`])
      expect(() => build({ trainer: { type: 'image', reference } })).toThrow(/by digest.*acme\/plain/)
    expect(() => build({ trainer: { type: 'folder', dir: '/x' } })).toThrow(/folder/)
  })

  it('the token is a file from a Secret of this attempt, and in no other manifest', () => {
    const { secret, pod, container, job, networkPolicy } = build()
    expect(secret).toMatchObject({ stringData: { token: 'header.payload.signature' } })
    expect(secret.metadata?.name).toBe(job.metadata?.name)
    expect(pod.volumes?.find(({ name }) => name === 'secret')?.secret).toEqual({
      secretName: 'trainyard-0123456789-42-3',
      defaultMode: 0o440,
    })
    expect(container.volumeMounts).toContainEqual({ name: 'secret', mountPath: '/trainyard/secret', readOnly: true })
    expect(JSON.stringify([job, networkPolicy])).not.toContain('header.payload.signature')
    expect(ownedBy({ metadata: { name: 'a', uid: 'b' } })).toMatchObject({ kind: 'Job', name: 'a', uid: 'b' })
    expect(() => ownedBy({ metadata: { name: 'a' } })).toThrow(/uid/)
  })

  it('a configuration that is too long for a variable is in the Secret', () => {
    const { secret, container } = build({ config: { basic: {}, advanced: { note: 'x'.repeat(100_000) } } })
    expect(secret.stringData?.['config.json']).toContain('xxxx')
    expect(container.env).toContainEqual({ name: 'CONFIG_FILE', value: '/trainyard/secret/config.json' })
  })

  it('the NetworkPolicy denies everything except DNS and the destinations, and always the metadata service and the API server', () => {
    const { spec } = build().networkPolicy
    expect(spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'], ingress: [] })
    expect(spec?.egress?.slice(1)).toEqual([
      { to: [{ ipBlock: { cidr: '10.1.2.3/32' } }], ports: [{ protocol: 'TCP', port: 7600 }] },
      {
        to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32', '10.0.0.1/32'] } }],
        ports: [{ protocol: 'TCP', port: 443 }],
      },
    ])
    expect(spec?.podSelector?.matchLabels).toEqual(build().spec.template.metadata?.labels)
  })

  it('requests equal limits for memory and GPUs, and the disk is limited', () => {
    const { requests, limits } = build().container.resources ?? {}
    expect(requests).toMatchObject({ memory: '24576Mi', 'nvidia.com/gpu': '2', cpu: '4' })
    expect(limits).toEqual({ memory: '24576Mi', 'nvidia.com/gpu': '2', 'ephemeral-storage': '100Gi' })
    const none = build({ resources: {} }).container.resources
    expect(none?.limits).toEqual({ memory: '2112Mi', 'ephemeral-storage': '20Gi' })
  })

  it('terminationGracePeriodSeconds is longer than the runner’s grace period', () => {
    expect(build({}, { cancelGraceSeconds: 12.5 }).pod.terminationGracePeriodSeconds).toBe(18)
  })

  it('the autoscaler does not drain the node', () => {
    const { annotations } =
      build(
        {},
        {
          profiles: { default: { annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' } } },
        },
      ).spec.template.metadata ?? {}
    expect(annotations?.['cluster-autoscaler.kubernetes.io/safe-to-evict']).toBe('false')
  })

  it('profiles set resources, tolerations, nodes, runtime and shared memory by framework', () => {
    const profiles = {
      default: { resources: { memoryMb: 1000, shmMb: 100 }, nodeSelector: { disk: 'fast' } },
      gpu: { tolerations: [{ key: 'gpu', operator: 'Exists' as const }] },
      frameworks: {
        pytorch: {
          resources: { shmMb: 4096 },
          nodeSelector: { pool: 'a' },
          runtimeClassName: 'nvidia',
          priorityClassName: 'high',
          gpuResource: 'amd.com/gpu',
        },
      },
    }
    const { pod, container } = build({ resources: { gpu: 1 } }, { profiles })
    expect(pod).toMatchObject({
      nodeSelector: { disk: 'fast', pool: 'a' },
      runtimeClassName: 'nvidia',
      priorityClassName: 'high',
    })
    expect(pod.tolerations?.[0]).toEqual({ key: 'gpu', operator: 'Exists' })
    expect(container.resources?.limits).toMatchObject({ memory: '5096Mi', 'amd.com/gpu': '1' })
    const other = build({ framework: 'tfjs', resources: { memoryMb: 2000 } }, { profiles })
    expect(other.pod).not.toHaveProperty('runtimeClassName')
    expect(other.pod.tolerations?.map(({ key }) => key)).not.toContain('gpu')
    expect(other.container.resources?.limits).toMatchObject({ memory: '2100Mi' })
  })

  it('dollars are escaped, because Kubernetes expands $(NAME)', () => {
    expect(build().container.command).toEqual(['python', 'train.py', '--note', '$$(HOME) costs $$5'])
  })
})

function partsOf(value: unknown): object[] {
  if (typeof value !== 'object' || value === null) return []
  return [value, ...Object.values(value).flatMap(partsOf)]
}
