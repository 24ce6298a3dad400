import { readFileSync } from 'node:fs'
import { ConfigError, parseConfig } from '@trainyard/platform'
import { z } from 'zod'
import { Profiles } from './profile.ts'

/** How trainers run as pods. */
export interface KubernetesConfig {
  /** A file, or several with ":" between. Default: `~/.kube/config`, or the pod's own account in a cluster. */
  kubeconfig?: string
  context?: string
  /** Tells clusters apart that share a database. Default: the cluster's name in the kubeconfig. */
  clusterName?: string
  namespace: string
  /** An address of this machine that pods reach, for a runner that listens on loopback beside its cluster. */
  callbackAddress?: string
  /** Numeric, because the kubelet cannot tell whether a name is root. */
  runAsUser: number
  imagePullSecrets: readonly string[]
  /** With it Jobs are created suspended and Kueue says when they start. */
  kueueQueue?: string
  /** `CIDR` or `CIDR:port` that every trainer may reach, beside callback, storage and the hosts of its manifest. */
  egress: readonly string[]
  /** Under which trainers reach the object store, when it is not behind the callback's address. */
  storageUrl?: string
  /**
   * A PersistentVolumeClaim that keeps datasets between jobs, and the folder in which the runner, which fills it, has it
   * mounted. Without it each pod has a cache of its own.
   */
  datasetCache?: { claim: string; dir: string }
  datasetCacheMaxGb: number
  /** How long a pod may fail to pull its image. */
  imagePullTimeoutSeconds: number
  /** How long a pod may wait for a node, or for whatever else keeps it from starting. */
  scheduleTimeoutSeconds: number
  /** How long a node may be away before its pods are given up. */
  nodeLostSeconds: number
  /** When Kubernetes itself deletes an ended Job that no runner has deleted. */
  jobTtlSeconds: number
  /** From SIGTERM to SIGKILL, at most. */
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
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  )
const CIDR_AND_PORT = /^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}(:\d{1,5})?|\[?[0-9a-f:]+\/\d{1,3}\]?(:\d{1,5})?)$/i

const KubernetesEnvironment = z.object({
  KUBECONFIG: z.string().min(1).optional(),
  KUBERNETES_CONTEXT: z.string().min(1).optional(),
  KUBERNETES_CLUSTER: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/, 'must be letters, digits, ".", "_" and "-"')
    .optional(),
  KUBERNETES_NAMESPACE: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a namespace: lower-case letters, digits and "-"')
    .default('trainyard'),
  KUBERNETES_CALLBACK_ADDRESS: z.union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' }).optional(),
  KUBERNETES_RUN_AS_USER: z.coerce.number().int().min(1, 'must not be 0, which is root').default(65_532),
  KUBERNETES_IMAGE_PULL_SECRETS: list,
  KUBERNETES_KUEUE_QUEUE: z.string().min(1).optional(),
  KUBERNETES_EGRESS: list.refine((all) => all.every((one) => CIDR_AND_PORT.test(one)), {
    error: 'must be networks with commas between, like 10.1.0.0/16 or 10.1.2.3/32:9000',
  }),
  KUBERNETES_DATASET_CACHE_CLAIM: z.string().min(1).optional(),
  KUBERNETES_IMAGE_PULL_TIMEOUT_SECONDS: seconds(600),
  KUBERNETES_SCHEDULE_TIMEOUT_SECONDS: seconds(1800),
  KUBERNETES_NODE_LOST_SECONDS: seconds(120),
  KUBERNETES_JOB_TTL_SECONDS: z.coerce
    .number()
    .int()
    .min(600, 'must be at least 600, or a Job could be gone before its end is read')
    .default(86_400),
  KUBERNETES_PROFILES_FILE: z.string().min(1).optional(),
  S3_ENDPOINT: z.url().optional(),
  S3_PUBLIC_ENDPOINT: z.url().optional(),
  S3_BUCKET: z.string().optional(),
  S3_FORCE_PATH_STYLE: z.enum(['true', 'false']).default('true'),
})

/** Reads the launcher's settings; throws a ConfigError in sentences. */
export function readKubernetesConfig(
  env: Record<string, string | undefined>,
  runner: { cancelGraceSeconds: number; datasetCacheMaxGb: number; datasetCacheDir?: string | undefined },
): KubernetesConfig {
  const e = parseConfig(KubernetesEnvironment, env, 'Kubernetes')
  const storageUrl = storageAddress(e)
  const { KUBERNETES_DATASET_CACHE_CLAIM: claim } = e
  const { datasetCacheDir: dir } = runner
  if (claim !== undefined && dir === undefined)
    throw new ConfigError(
      `KUBERNETES_DATASET_CACHE_CLAIM is "${claim}", and DATASET_CACHE_DIR is not set; wanted: the folder in which the runner has that claim mounted, because it fills it and pods only read`,
    )
  return {
    ...(e.KUBECONFIG === undefined ? {} : { kubeconfig: e.KUBECONFIG }),
    ...(e.KUBERNETES_CONTEXT === undefined ? {} : { context: e.KUBERNETES_CONTEXT }),
    ...(e.KUBERNETES_CLUSTER === undefined ? {} : { clusterName: e.KUBERNETES_CLUSTER }),
    namespace: e.KUBERNETES_NAMESPACE,
    ...(e.KUBERNETES_CALLBACK_ADDRESS === undefined ? {} : { callbackAddress: e.KUBERNETES_CALLBACK_ADDRESS }),
    runAsUser: e.KUBERNETES_RUN_AS_USER,
    imagePullSecrets: e.KUBERNETES_IMAGE_PULL_SECRETS,
    ...(e.KUBERNETES_KUEUE_QUEUE === undefined ? {} : { kueueQueue: e.KUBERNETES_KUEUE_QUEUE }),
    egress: e.KUBERNETES_EGRESS,
    ...(storageUrl === undefined ? {} : { storageUrl }),
    ...(claim === undefined || dir === undefined ? {} : { datasetCache: { claim, dir } }),
    datasetCacheMaxGb: runner.datasetCacheMaxGb,
    imagePullTimeoutSeconds: e.KUBERNETES_IMAGE_PULL_TIMEOUT_SECONDS,
    scheduleTimeoutSeconds: e.KUBERNETES_SCHEDULE_TIMEOUT_SECONDS,
    nodeLostSeconds: e.KUBERNETES_NODE_LOST_SECONDS,
    jobTtlSeconds: e.KUBERNETES_JOB_TTL_SECONDS,
    cancelGraceSeconds: runner.cancelGraceSeconds,
    profiles: e.KUBERNETES_PROFILES_FILE === undefined ? {} : readProfiles(e.KUBERNETES_PROFILES_FILE),
  }
}

/** Signed URLs point there; the bucket is in the host's name unless it is in the path. */
function storageAddress(e: z.infer<typeof KubernetesEnvironment>): string | undefined {
  const endpoint = e.S3_PUBLIC_ENDPOINT ?? e.S3_ENDPOINT
  if (endpoint === undefined || e.S3_FORCE_PATH_STYLE === 'true' || e.S3_BUCKET === undefined) return endpoint
  const url = new URL(endpoint)
  url.hostname = `${e.S3_BUCKET}.${url.hostname}`
  return url.href
}

function readProfiles(file: string): Profiles {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ConfigError(`KUBERNETES_PROFILES_FILE: ${file} cannot be read as JSON: ${String(error)}`)
  }
  const profiles = Profiles.safeParse(json)
  if (!profiles.success)
    throw new ConfigError(`KUBERNETES_PROFILES_FILE: ${file} is wrong:\n${z.prettifyError(profiles.error)}`)
  return profiles.data
}
