import type {
  V1Container,
  V1Job,
  V1JobSpec,
  V1NetworkPolicy,
  V1OwnerReference,
  V1PodSpec,
  V1Secret,
  V1SecurityContext,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node'
import { BRIDGE_COMMAND, BRIDGE_DIR } from '../bridge/bridge-contents.ts'
import { CONTAINER_PATHS, containerEnvironment } from '../container-environment.ts'
import type { LaunchRequest } from '../launcher.ts'
import { programOf } from '../program-of.ts'
import type { KubernetesConfig } from './config.ts'
import { attemptLabels, attemptName, BRIDGE_CONTAINER, CONTAINER } from './names.ts'
import { type Destination, networkPolicySpec } from './network-policy.ts'
import { type Profile, profileFor } from './profile.ts'

export interface SpecOptions {
  config: KubernetesConfig
  /** See `instanceName`. */
  instance: string
  /** Addresses of the callback, the storage and the manifest's hosts, as resolved at launch. */
  destinations: readonly Destination[]
  /** Addresses of the API server, which trainers must not reach. */
  apiServer: readonly { ip: string; port: number }[]
}

export interface AttemptManifests {
  secret: V1Secret
  networkPolicy: V1NetworkPolicy
  job: V1Job
}

const DEFAULT_RESOURCES = { cpu: 1, memoryMb: 2048, shmMb: 64, diskGb: 20 }
const DATASET_CACHE_DIR = '/trainyard/cache'
/** Enough for temporary files outside the work folder. */
const TMP_LIMIT = '10Gi'
/** Well after the runner's own deadline and grace period, so that it only ends attempts that no runner supervises. */
const DEADLINE_BACKSTOP_SECONDS = 600

/** What the restricted profile asks of a container. Its own: a change of one manifest never reaches another. */
const restricted = (): V1SecurityContext => ({
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
})

/** Builds the objects of an attempt. */
export function attemptManifests(request: LaunchRequest, options: SpecOptions): AttemptManifests {
  const { config, instance } = options
  const name = attemptName(instance, request)
  const labels = attemptLabels(instance, request)
  const profile = profileFor(config.profiles, { framework: request.framework, gpu: request.resources.gpu ?? 0 })
  const resources = resourcesOf(request, profile)
  const { env, configText } = environmentOf(request, config, resources)
  const metadata = { name, namespace: config.namespace, labels }
  const pod = podSpec(request, { config, profile, resources, env, secretName: name })
  return {
    secret: secret(metadata, request.token, configText),
    networkPolicy: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      spec: networkPolicySpec(labels, options.destinations, options.apiServer),
    },
    job: {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata:
        config.kueueQueue === undefined
          ? metadata
          : { ...metadata, labels: { ...labels, 'kueue.x-k8s.io/queue-name': config.kueueQueue } },
      spec: jobSpec(request, config, {
        metadata: {
          labels: { ...profile.labels, ...labels },
          annotations: {
            ...profile.annotations,
            // The autoscaler must not drain a node on which a training runs.
            'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
          },
        },
        spec: pod,
      }),
    },
  }
}

/** With this owner, Kubernetes deletes the Secret and the NetworkPolicy together with the Job. */
export function ownedBy(job: V1Job): V1OwnerReference {
  const { name, uid } = job.metadata ?? {}
  if (name === undefined || uid === undefined)
    throw new Error('the Job has no name or uid: expected one that was read from a cluster')
  return { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true, blockOwnerDeletion: false }
}

function environmentOf(request: LaunchRequest, config: KubernetesConfig, { diskGb }: Resources) {
  const isShared = config.datasetCache !== undefined
  return containerEnvironment(request, {
    datasetCacheDir: DATASET_CACHE_DIR,
    // The pod's own cache and its work folder share a disk.
    datasetCacheMaxGb: isShared
      ? config.datasetCacheMaxGb
      : Math.min(config.datasetCacheMaxGb, Math.max(1, diskGb / 2)),
    isCacheFilledByRunner: isShared,
  })
}

/** A file and not a variable, which every user who may read pods could see. */
function secret(metadata: V1Secret['metadata'] & object, token: string, configText: string | undefined): V1Secret {
  const stringData: Record<string, string> = { token }
  if (configText !== undefined) stringData['config.json'] = configText
  // Not immutable: the token is renewed while the pod runs.
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', stringData }
}

function jobSpec(request: LaunchRequest, config: KubernetesConfig, template: V1JobSpec['template']): V1JobSpec {
  const spec: V1JobSpec = {
    // One pod, once. The runner retries, because it knows which ends are worth a retry.
    parallelism: 1,
    completions: 1,
    backoffLimit: 0,
    // A pod that is being deleted still runs, and no other pod may run at the same time.
    podReplacementPolicy: 'Failed',
    ttlSecondsAfterFinished: Math.max(600, config.jobTtlSeconds),
    template,
  }
  // Kueue starts it when there is capacity.
  if (config.kueueQueue !== undefined) spec.suspend = true
  if (request.deadlineSeconds !== undefined)
    spec.activeDeadlineSeconds = backstopSeconds(request.deadlineSeconds, config)
  return spec
}

interface PodInput {
  config: KubernetesConfig
  profile: Profile
  resources: Resources
  env: Readonly<Record<string, string>>
  secretName: string
}

function podSpec(request: LaunchRequest, input: PodInput): V1PodSpec {
  const { config, profile } = input
  const spec: V1PodSpec = {
    restartPolicy: 'Never',
    // Trainers do not use the Kubernetes API and do not need the variables of Services.
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // The trainer is not process 1 then. The kernel protects process 1 from signals, and it must reap orphans.
    shareProcessNamespace: true,
    terminationGracePeriodSeconds: Math.ceil(config.cancelGraceSeconds) + 5,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: config.runAsUser,
      runAsGroup: config.runAsUser,
      // The group of the volumes, so that the trainer can read its token and write to its work folder.
      fsGroup: config.runAsUser,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    tolerations: [...(profile.tolerations ?? []), ...nodeLostTolerations(config.nodeLostSeconds)],
    containers: [container(request, input)],
    volumes: volumes(input),
  }
  const bridgeImage = bridgeImageOf(request, config)
  if (bridgeImage !== undefined) {
    spec.initContainers = [bridgeContainer(bridgeImage)]
    spec.volumes?.push({ name: 'bridge', emptyDir: { sizeLimit: '1Gi' } })
  }
  if (config.imagePullSecrets.length > 0) spec.imagePullSecrets = config.imagePullSecrets.map((name) => ({ name }))
  if (!isEmpty(profile.nodeSelector)) spec.nodeSelector = { ...profile.nodeSelector }
  if (profile.runtimeClassName !== undefined) spec.runtimeClassName = profile.runtimeClassName
  if (profile.priorityClassName !== undefined) spec.priorityClassName = profile.priorityClassName
  return spec
}

/** The image that brings the bridge. Undefined: the program needs no bridge, or its image has it. */
function bridgeImageOf({ bridge }: LaunchRequest, { bridgeImage }: KubernetesConfig): string | undefined {
  return bridge === undefined ? undefined : bridgeImage
}

/** Copies the bridge into the pod, before the trainer starts. The trainer cannot change it. */
function bridgeContainer(image: string): V1Container {
  const memory = '512Mi'
  return {
    name: BRIDGE_CONTAINER,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['trainyard-runner', 'bridge', BRIDGE_DIR],
    // Less than most trainers need, so the pod does not need more. Quotas refuse a container without.
    resources: { requests: { cpu: '100m', memory }, limits: { memory } },
    securityContext: restricted(),
    volumeMounts: [{ name: 'bridge', mountPath: BRIDGE_DIR }],
    terminationMessagePolicy: 'FallbackToLogsOnError',
  }
}

function container(request: LaunchRequest, { config, env, resources }: PodInput): V1Container {
  const cache: V1VolumeMount = { name: 'cache', mountPath: DATASET_CACHE_DIR }
  if (config.datasetCache !== undefined) cache.readOnly = true
  const bridged: V1VolumeMount[] = [{ name: 'bridge', mountPath: BRIDGE_DIR, readOnly: true }]
  const hasBridge = bridgeImageOf(request, config) !== undefined
  return {
    name: CONTAINER,
    image: imageOf(request),
    // A digest always names the same image, so a copy on the node is current.
    imagePullPolicy: 'IfNotPresent',
    command: programOf(request, hasBridge ? BRIDGE_COMMAND : undefined).map(literal),
    env: Object.entries(env).map(([name, value]) => ({ name, value: literal(value) })),
    resources: {
      requests: {
        ...resources.fixed,
        cpu: String(resources.cpu),
        'ephemeral-storage': `${Math.min(1, resources.diskGb)}Gi`,
      },
      // No CPU limit: throttling while cores are idle helps no one.
      limits: { ...resources.fixed, 'ephemeral-storage': `${resources.diskGb}Gi` },
    },
    securityContext: restricted(),
    volumeMounts: [
      ...(hasBridge ? bridged : []),
      { name: 'secret', mountPath: dirOf(CONTAINER_PATHS.tokenFile), readOnly: true },
      { name: 'work', mountPath: CONTAINER_PATHS.workDir },
      cache,
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'shm', mountPath: '/dev/shm' },
    ],
    // Shows the last lines in the pod's status, for users of kubectl.
    terminationMessagePolicy: 'FallbackToLogsOnError',
  }
}

function volumes({ config, resources, secretName }: PodInput): V1Volume[] {
  return [
    { name: 'secret', secret: { secretName, defaultMode: 0o440 } },
    { name: 'work', emptyDir: { sizeLimit: `${resources.diskGb}Gi` } },
    config.datasetCache === undefined
      ? { name: 'cache', emptyDir: { sizeLimit: `${resources.diskGb}Gi` } }
      : // Read-only here too. Otherwise the kubelet makes all files in it writable for the pod's group.
        { name: 'cache', persistentVolumeClaim: { claimName: config.datasetCache.claim, readOnly: true } },
    { name: 'tmp', emptyDir: { sizeLimit: TMP_LIMIT } },
    // Data loaders pass batches through it. With the runtime's default of 64 MiB, many of them fail with a bus error.
    { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: `${resources.shmMb}Mi` } },
  ]
}

interface Resources {
  cpu: number
  shmMb: number
  diskGb: number
  /** Resources whose request equals their limit. */
  fixed: Record<string, string>
}

/** The manifest's values, then the profile's, then the defaults. */
function resourcesOf({ resources: requested }: LaunchRequest, profile: Profile): Resources {
  const pick = (name: keyof typeof DEFAULT_RESOURCES) =>
    requested[name] ?? profile.resources?.[name] ?? DEFAULT_RESOURCES[name]
  const shmMb = pick('shmMb')
  const gpu = requested.gpu ?? 0
  // Shared memory counts towards the container's memory, so it is added to the manifest's value. Request and limit are equal,
  // because overcommitted memory would end other jobs.
  const fixed: Record<string, string> = { memory: `${pick('memoryMb') + shmMb}Mi` }
  if (gpu > 0) fixed[profile.gpuResource ?? 'nvidia.com/gpu'] = String(gpu)
  return { cpu: pick('cpu'), shmMb, diskGb: pick('diskGb'), fixed }
}

/** Kubernetes would tolerate an unavailable node for five minutes by default. */
function nodeLostTolerations(tolerationSeconds: number) {
  return ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds,
  }))
}

/** Kubernetes counts from the Job's start, so this includes everything that can happen before the trainer starts. */
function backstopSeconds(deadlineSeconds: number, config: KubernetesConfig): number {
  const before = config.scheduleTimeoutSeconds + config.imagePullTimeoutSeconds
  return Math.ceil(deadlineSeconds + before + config.cancelGraceSeconds + DEADLINE_BACKSTOP_SECONDS)
}

/** The image, which must be named by digest: a tag can be moved to an image that was not checked. */
function imageOf({ trainer }: LaunchRequest): string {
  if (trainer.type !== 'image') throw new Error('expected an image, got a folder: pods run images only')
  if (!/@sha256:[0-9a-f]{64}$/.test(trainer.reference))
    throw new Error(`expected an image by digest ("name@sha256:…"), got "${trainer.reference}"`)
  return trainer.reference
}

/** Kubernetes expands $(NAME) in commands and variables, and $$ to one dollar. */
function literal(text: string): string {
  return text.split('$').join('$$')
}

const dirOf = (file: string) => file.slice(0, file.lastIndexOf('/'))
const isEmpty = (map: object | undefined) => map === undefined || Object.keys(map).length === 0
