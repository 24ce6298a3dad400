import { setTimeout as sleep } from 'node:timers/promises'
import {
  ApiException,
  BatchV1Api,
  CoreApi,
  CoreV1Api,
  createConfiguration,
  KubeConfig,
  NetworkingV1Api,
  PatchStrategy,
  ServerConfiguration,
  setHeaderOptions,
} from '@kubernetes/client-node'
import { ConfigError } from '@trainyard/platform'

/** The client library sets no timeout, so a server that never answers would block the caller forever. */
const REQUEST_TIMEOUT_MS = 20_000
const MAX_TRIES = 4
const FIRST_PAUSE_MS = 100

export interface KubernetesClient {
  kubeConfig: KubeConfig
  batch: BatchV1Api
  /** For the API server's own addresses. */
  root: CoreApi
  core: CoreV1Api
  networking: NetworkingV1Api
}

/** Creates the API clients. Sends nothing yet. */
export function createKubernetesClient(
  options: { kubeconfig?: string | undefined; context?: string | undefined } | { kubeConfig: KubeConfig },
): KubernetesClient {
  const kubeConfig = 'kubeConfig' in options ? options.kubeConfig : loadKubeConfig(options)
  const cluster = kubeConfig.getCurrentCluster()
  if (cluster === null) throw new ConfigError('The kubeconfig has no current cluster: set KUBERNETES_CONTEXT')
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(cluster.server, {}),
    authMethods: { default: kubeConfig },
    promiseMiddleware: [
      {
        pre: async (context) => {
          context.setSignal(AbortSignal.timeout(REQUEST_TIMEOUT_MS))
          return context
        },
        post: async (context) => context,
      },
    ],
  })
  return {
    kubeConfig,
    batch: new BatchV1Api(configuration),
    root: new CoreApi(configuration),
    core: new CoreV1Api(configuration),
    networking: new NetworkingV1Api(configuration),
  }
}

function loadKubeConfig({
  kubeconfig,
  context,
}: {
  kubeconfig?: string | undefined
  context?: string | undefined
}): KubeConfig {
  const kubeConfig = new KubeConfig()
  try {
    const [first, ...rest] = (kubeconfig ?? '').split(':').filter((file) => file !== '')
    if (first === undefined) kubeConfig.loadFromDefault()
    else kubeConfig.loadFromFile(first)
    for (const file of rest) {
      const more = new KubeConfig()
      more.loadFromFile(file)
      kubeConfig.mergeConfig(more, true)
    }
    if (context !== undefined) kubeConfig.setCurrentContext(context)
  } catch (error) {
    throw new ConfigError(`KUBECONFIG is "${kubeconfig ?? ''}" and cannot be read: ${String(error)}`, { cause: error })
  }
  return kubeConfig
}

export const MERGE_PATCH = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
/** Merges lists, such as finalizers, that a merge patch would replace. */
export const STRATEGIC_PATCH = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch)

export function statusCode(error: unknown): number | undefined {
  return error instanceof ApiException ? error.code : undefined
}

/** The API server's own message about an error. */
function apiMessage(error: unknown): string {
  if (!(error instanceof ApiException)) return error instanceof Error ? error.message : String(error)
  const body: unknown = typeof error.body === 'string' ? parseJson(error.body) : error.body
  if (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string')
    return body.message
  return `the API server answered ${error.code}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The response, or undefined if the object does not exist. Retries as {@link withRetries}. */
export async function ignoringNotFound<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await withRetries(call)
  } catch (error) {
    if (statusCode(error) === 404) return undefined
    throw error
  }
}

/** Repeats an idempotent call when the connection breaks or the server is busy. */
export async function withRetries<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      const code = statusCode(error)
      const isTransient = code === undefined || code === 429 || code >= 500
      if (!isTransient || tries >= MAX_TRIES) throw withShortMessage(error)
      await sleep(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random() / 2))
    }
  }
}

/** The client library's messages contain the whole response, including headers. */
function withShortMessage(error: unknown): unknown {
  if (error instanceof ApiException) error.message = `Kubernetes: ${apiMessage(error)} (${error.code})`
  return error
}
