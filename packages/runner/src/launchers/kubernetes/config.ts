import { readFileSync } from 'node:fs'
import { ConfigError, parseConfig } from '@trainyard/platform'
import { z } from 'zod'
import { Profiles } from './profile.ts'

/** Settings of the Kubernetes launcher. */
export interface KubernetesConfig {
  /** One file, or several separated by ":". Default: `~/.kube/config`, or the pod's service account in a cluster. */
  kubeconfig?: string | undefined
  context?: string | undefined
  /** Tells clusters apart that share a database. Default: the cluster's name in the kubeconfig. */
  clusterName?: string | undefined
  namespace: string
  /** An address of this machine that pods reach, for a runner that listens on loopback beside its cluster. */
  callbackAddress?: string | undefined
  /** Numeric, because the kubelet cannot tell whether a user name is root. */
  runAsUser: number
  imagePullSecrets: readonly string[]
  /**
   * An image with `trainyard-runner` in PATH, such as the runner's own. It copies the bridge into pods whose trainers have
   * `bridge` in their manifest. Undefined: the trainer's image must have `trainyard`.
   */
  bridgeImage?: string | undefined
  /** Jobs are created suspended, with this queue's label, and Kueue starts them. */
  kueueQueue?: string | undefined
  /** `CIDR` or `CIDR:port` that every trainer may reach, in addition to the callback, the storage and its manifest's hosts. */
  egress: readonly string[]
  /** The object store's address for trainers, unless it is served at the callback's address. */
  storageUrl?: string | undefined
  /**
   * A PersistentVolumeClaim that keeps datasets between jobs, and the folder at which the runner, which fills it, has it
   * mounted. Undefined: each pod has a cache of its own.
   */
  datasetCache?: { claim: string; dir: string } | undefined
  datasetCacheMaxGb: number
  /** How long a pod may fail to pull its image. */
  imagePullTimeoutSeconds: number
  /** How long a pod may wait for a node or for anything else before it starts. */
  scheduleTimeoutSeconds: number
  /** How long a node may be unavailable before its pods count as lost. */
  nodeLostSeconds: number
  /** When Kubernetes deletes an ended Job that no runner has deleted. */
  jobTtlSeconds: number
  /** Longest time between SIGTERM and SIGKILL. */
  cancelGraceSeconds: number
  profiles: Profiles
}

const seconds = (defaultValue: number) => z.coerce.number().int().positive().default(defaultValue)
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  )
const CIDR_AND_PORT = /^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}(:\d{1,5})?|\[?[0-9a-f:]+\/\d{1,3}\]?(:\d{1,5})?)$/i

const KubernetesEnvironment = z.object({
  KUBECONFIG: z.string().min(1).optional(),
  KUBERNETES_CONTEXT: z.string().min(1).optional(),
  KUBERNETES_CLUSTER: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/, 'must consist of letters, digits, ".", "_" and "-"')
    .optional(),
  KUBERNETES_NAMESPACE: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a namespace: up to 63 lower-case letters, digits and "-"')
    .default('trainyard'),
  KUBERNETES_CALLBACK_ADDRESS: z.union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' }).optional(),
  KUBERNETES_RUN_AS_USER: z.coerce.number().int().min(1, 'must not be 0, which is root').default(65_532),
  KUBERNETES_IMAGE_PULL_SECRETS: list,
  KUBERNETES_BRIDGE_IMAGE: z
    .string()
    .regex(/^[\w.:/@-]+$/, 'must be the name of an image, such as registry.example/trainyard/runner:1.0.0')
    .optional(),
  KUBERNETES_KUEUE_QUEUE: z.string().min(1).optional(),
  KUBERNETES_EGRESS: list.refine((all) => all.every((entry) => CIDR_AND_PORT.test(entry)), {
    error: 'must be a list of networks, separated by commas, for example 10.1.0.0/16 or 10.1.2.3/32:9000',
  }),
  KUBERNETES_DATASET_CACHE_CLAIM: z.string().min(1).optional(),
  KUBERNETES_IMAGE_PULL_TIMEOUT_SECONDS: seconds(600),
  KUBERNETES_SCHEDULE_TIMEOUT_SECONDS: seconds(1800),
  KUBERNETES_NODE_LOST_SECONDS: seconds(120),
  KUBERNETES_JOB_TTL_SECONDS: z.coerce
    .number()
    .int()
    .min(600, 'must be at least 600, so that a Job is not deleted before the runner has read how it ended')
    .default(86_400),
  KUBERNETES_PROFILES_FILE: z.string().min(1).optional(),
  S3_ENDPOINT: z.url().optional(),
  S3_PUBLIC_ENDPOINT: z.url().optional(),
  S3_BUCKET: z.string().optional(),
  S3_FORCE_PATH_STYLE: z.enum(['true', 'false']).default('true'),
})

/** Reads the `KUBERNETES_…` variables. Throws a ConfigError that names each wrong one. */
export function readKubernetesConfig(
  env: Record<string, string | undefined>,
  runner: { cancelGraceSeconds: number; datasetCacheMaxGb: number; datasetCacheDir?: string | undefined },
): KubernetesConfig {
  const e = parseConfig(KubernetesEnvironment, env, 'Kubernetes')
  return {
    kubeconfig: e.KUBECONFIG,
    context: e.KUBERNETES_CONTEXT,
    clusterName: e.KUBERNETES_CLUSTER,
    namespace: e.KUBERNETES_NAMESPACE,
    callbackAddress: e.KUBERNETES_CALLBACK_ADDRESS,
    runAsUser: e.KUBERNETES_RUN_AS_USER,
    imagePullSecrets: e.KUBERNETES_IMAGE_PULL_SECRETS,
    bridgeImage: e.KUBERNETES_BRIDGE_IMAGE,
    kueueQueue: e.KUBERNETES_KUEUE_QUEUE,
    egress: e.KUBERNETES_EGRESS,
    storageUrl: storageUrlOf(e),
    datasetCache: datasetCacheOf(e.KUBERNETES_DATASET_CACHE_CLAIM, runner.datasetCacheDir),
    datasetCacheMaxGb: runner.datasetCacheMaxGb,
    imagePullTimeoutSeconds: e.KUBERNETES_IMAGE_PULL_TIMEOUT_SECONDS,
    scheduleTimeoutSeconds: e.KUBERNETES_SCHEDULE_TIMEOUT_SECONDS,
    nodeLostSeconds: e.KUBERNETES_NODE_LOST_SECONDS,
    jobTtlSeconds: e.KUBERNETES_JOB_TTL_SECONDS,
    cancelGraceSeconds: runner.cancelGraceSeconds,
    profiles: e.KUBERNETES_PROFILES_FILE === undefined ? {} : readProfiles(e.KUBERNETES_PROFILES_FILE),
  }
}

/** Where signed URLs point to. The bucket is part of the host name unless it is in the path. */
function storageUrlOf(e: z.infer<typeof KubernetesEnvironment>): string | undefined {
  const endpoint = e.S3_PUBLIC_ENDPOINT ?? e.S3_ENDPOINT
  if (endpoint === undefined || e.S3_FORCE_PATH_STYLE === 'true' || e.S3_BUCKET === undefined) return endpoint
  const url = new URL(endpoint)
  url.hostname = `${e.S3_BUCKET}.${url.hostname}`
  return url.href
}

function datasetCacheOf(claim: string | undefined, dir: string | undefined): KubernetesConfig['datasetCache'] {
  if (claim === undefined) return undefined
  if (dir === undefined)
    throw new ConfigError(
      `KUBERNETES_DATASET_CACHE_CLAIM is "${claim}", but DATASET_CACHE_DIR is not set; expected the folder at which the runner has that claim mounted: the runner fills it, and pods only read it`,
    )
  return { claim, dir }
}

function readProfiles(file: string): Profiles {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ConfigError(`KUBERNETES_PROFILES_FILE is "${file}"; expected a JSON file: ${String(error)}`)
  }
  const profiles = Profiles.safeParse(json)
  if (!profiles.success)
    throw new ConfigError(
      `KUBERNETES_PROFILES_FILE is "${file}", which does not match the schema:\n${z.prettifyError(profiles.error)}`,
    )
  return profiles.data
}
