import type {
  V1Container,
  V1Job,
  V1NetworkPolicy,
  V1OwnerReference,
  V1PodSpec,
  V1Secret,
  V1Volume,
} from '@kubernetes/client-node'
import { CONTAINER_PLACES, containerEnvironment } from '../container-environment.ts'
import type { LaunchRequest } from '../launcher.ts'
import type { KubernetesConfig } from './config.ts'
import { attemptLabels, attemptName, CONTAINER } from './names.ts'
import { type Destination, networkPolicySpec } from './network-policy.ts'
import { type Profile, profileFor } from './profile.ts'

export interface SpecPlace {
  config: KubernetesConfig
  /** See `instanceName`. */
  instance: string
  /** Addresses of callback, storage and the manifest's hosts, as they were found at launch. */
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
/** Enough for what a job's lines and temporary files are beside its work folder. */
const TMP_LIMIT = '10Gi'
/** Long after our own deadline, grace and all, so that it only ends what no runner looks after. */
const DEADLINE_BACKSTOP_SECONDS = 600

/** One attempt → everything that it is in the cluster. */
export function attemptManifests(request: LaunchRequest, place: SpecPlace): AttemptManifests {
  const { config, instance } = place
  const name = attemptName(instance, request)
  const labels = attemptLabels(instance, request)
  const metadata = { name, namespace: config.namespace, labels }
  const profile = profileFor(config.profiles, { framework: request.framework, gpu: request.resources.gpu ?? 0 })
  const resources = resourcesOf(request, profile)
  const environment = containerEnvironment(request, {
    datasetCacheDir: DATASET_CACHE_DIR,
    // A cache of the pod's own shares its disk with the work folder.
    datasetCacheMaxGb:
      config.datasetCache === undefined
        ? Math.min(config.datasetCacheMaxGb, Math.max(1, resources.diskGb / 2))
        : config.datasetCacheMaxGb,
    isCacheShown: config.datasetCache !== undefined,
  })
  return {
    secret: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      // Not immutable: the token is renewed while the pod runs.
      type: 'Opaque',
      // A file and not a variable: whoever may look at pods would read it there.
      stringData: {
        token: request.token,
        ...(environment.configText === undefined ? {} : { 'config.json': environment.configText }),
      },
    },
    networkPolicy: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      spec: networkPolicySpec(labels, place.destinations, place.apiServer),
    },
    job: {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        ...metadata,
        labels: {
          ...labels,
          ...(config.kueueQueue === undefined ? {} : { 'kueue.x-k8s.io/queue-name': config.kueueQueue }),
        },
      },
      spec: {
        // One pod, once: retries are the runner's, which knows whether one makes sense.
        parallelism: 1,
        completions: 1,
        backoffLimit: 0,
        // A pod that is being deleted still runs: nothing may run beside it.
        podReplacementPolicy: 'Failed',
        // Kueue starts it when there is room.
        ...(config.kueueQueue === undefined ? {} : { suspend: true }),
        ...(request.deadlineSeconds === undefined
          ? {}
          : { activeDeadlineSeconds: backstopSeconds(request.deadlineSeconds, config) }),
        ttlSecondsAfterFinished: Math.max(600, config.jobTtlSeconds),
        template: {
          metadata: {
            labels: { ...profile.labels, ...labels },
            annotations: {
              ...profile.annotations,
              // The autoscaler must not empty a node under a training.
              'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
            },
          },
          spec: podSpec(request, { config, profile, resources, env: environment.env, secretName: name }),
        },
      },
    },
  }
}

/** With it, deleting the Job deletes the Secret and the NetworkPolicy. */
export function ownedBy(job: V1Job): V1OwnerReference {
  const { name, uid } = job.metadata ?? {}
  if (name === undefined || uid === undefined)
    throw new Error('the Job has no name and uid: it was not read from a cluster')
  return { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true, blockOwnerDeletion: false }
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
  return {
    restartPolicy: 'Never',
    // Trainers do not talk to Kubernetes, and variables of every Service are nobody's business.
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // The trainer is not process 1, which the kernel shields from signals and which must reap orphans.
    shareProcessNamespace: true,
    terminationGracePeriodSeconds: Math.ceil(config.cancelGraceSeconds) + 5,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: config.runAsUser,
      runAsGroup: config.runAsUser,
      // Volumes belong to this group, so that the trainer can read its token and write its work folder.
      fsGroup: config.runAsUser,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(config.imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: config.imagePullSecrets.map((name) => ({ name })) }),
    ...(isEmpty(profile.nodeSelector) ? {} : { nodeSelector: { ...profile.nodeSelector } }),
    tolerations: [...(profile.tolerations ?? []), ...nodeLostTolerations(config.nodeLostSeconds)],
    ...(profile.runtimeClassName === undefined ? {} : { runtimeClassName: profile.runtimeClassName }),
    ...(profile.priorityClassName === undefined ? {} : { priorityClassName: profile.priorityClassName }),
    containers: [container(request, input)],
    volumes: volumes(input),
  }
}

function container(request: LaunchRequest, { config, env, resources }: PodInput): V1Container {
  return {
    name: CONTAINER,
    image: imageByDigest(request),
    // A digest never changes: what the node has is right.
    imagePullPolicy: 'IfNotPresent',
    command: request.argv.map(literal),
    env: Object.entries(env).map(([name, value]) => ({ name, value: literal(value) })),
    resources: {
      requests: {
        ...resources.fixed,
        cpu: String(resources.cpu),
        'ephemeral-storage': `${Math.min(1, resources.diskGb)}Gi`,
      },
      // No limit of CPU: throttling helps nobody while cores are idle.
      limits: { ...resources.fixed, 'ephemeral-storage': `${resources.diskGb}Gi` },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'secret', mountPath: dirOf(CONTAINER_PLACES.tokenFile), readOnly: true },
      { name: 'work', mountPath: CONTAINER_PLACES.workDir },
      { name: 'cache', mountPath: DATASET_CACHE_DIR, ...(config.datasetCache === undefined ? {} : { readOnly: true }) },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'shm', mountPath: '/dev/shm' },
    ],
    // The last lines in the pod's status, for people with kubectl.
    terminationMessagePolicy: 'FallbackToLogsOnError',
  }
}

function volumes({ config, resources, secretName }: PodInput): V1Volume[] {
  return [
    { name: 'secret', secret: { secretName, defaultMode: 0o440 } },
    { name: 'work', emptyDir: { sizeLimit: `${resources.diskGb}Gi` } },
    config.datasetCache === undefined
      ? { name: 'cache', emptyDir: { sizeLimit: `${resources.diskGb}Gi` } }
      : // Here too: otherwise the kubelet gives every file of it to the pod's group, with the right to write.
        { name: 'cache', persistentVolumeClaim: { claimName: config.datasetCache.claim, readOnly: true } },
    { name: 'tmp', emptyDir: { sizeLimit: TMP_LIMIT } },
    // Data loaders hand batches over here; the runtime's own 64 MiB end many of them with a bus error.
    { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: `${resources.shmMb}Mi` } },
  ]
}

interface Resources {
  cpu: number
  shmMb: number
  diskGb: number
  /** Requested and limited alike. */
  fixed: Record<string, string>
}

/** The manifest first, then the profile, then ours. */
function resourcesOf({ resources: wanted }: LaunchRequest, profile: Profile): Resources {
  const pick = (name: keyof typeof DEFAULT_RESOURCES) =>
    wanted[name] ?? profile.resources?.[name] ?? DEFAULT_RESOURCES[name]
  const shmMb = pick('shmMb')
  const gpu = wanted.gpu ?? 0
  return {
    cpu: pick('cpu'),
    shmMb,
    diskGb: pick('diskGb'),
    fixed: {
      // Shared memory counts as the container's: what the manifest asks for comes on top of it. Requests = limits, because
      // memory that is promised twice ends somebody else's training.
      memory: `${pick('memoryMb') + shmMb}Mi`,
      ...(gpu === 0 ? {} : { [profile.gpuResource ?? 'nvidia.com/gpu']: String(gpu) }),
    },
  }
}

/** The defaults would wait for five minutes. */
function nodeLostTolerations(tolerationSeconds: number) {
  return ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds,
  }))
}

/** Counted by Kubernetes from the Job's start, so with all that may come before the trainer's first word. */
function backstopSeconds(deadlineSeconds: number, config: KubernetesConfig): number {
  const before = config.scheduleTimeoutSeconds + config.imagePullTimeoutSeconds
  return Math.ceil(deadlineSeconds + before + config.cancelGraceSeconds + DEADLINE_BACKSTOP_SECONDS)
}

/** A tag can be moved to something that nobody checked. */
function imageByDigest({ trainer }: LaunchRequest): string {
  if (trainer.type !== 'image') throw new Error('pods run from images; a folder needs the subprocess launcher')
  if (!/@sha256:[0-9a-f]{64}$/.test(trainer.reference))
    throw new Error(`the trainer's image must be named by its digest (…@sha256:…); it is "${trainer.reference}"`)
  return trainer.reference
}

/** Kubernetes replaces $(NAME) in commands and variables, and $$ by one dollar. */
function literal(text: string): string {
  return text.split('$').join('$$')
}

const dirOf = (file: string) => file.slice(0, file.lastIndexOf('/'))
const isEmpty = (map: object | undefined) => map === undefined || Object.keys(map).length === 0
