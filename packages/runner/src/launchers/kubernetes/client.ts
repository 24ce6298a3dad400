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

/** The client's own requests have no limit; a server that accepts and never answers would hold us for ever. */
const REQUEST_TIMEOUT_MS = 20_000
const TRIES = 4
const FIRST_PAUSE_MS = 100

export interface KubernetesClient {
  kubeConfig: KubeConfig
  batch: BatchV1Api
  /** What the server says of itself. */
  root: CoreApi
  core: CoreV1Api
  networking: NetworkingV1Api
}

/** Connects as the kubeconfig says; nothing is sent yet. */
export function createKubernetesClient(
  options: { kubeconfig?: string; context?: string } | { kubeConfig: KubeConfig },
): KubernetesClient {
  const kubeConfig = 'kubeConfig' in options ? options.kubeConfig : loadKubeConfig(options)
  const cluster = kubeConfig.getCurrentCluster()
  if (cluster === null) throw new ConfigError('the kubeconfig has no current cluster: set KUBERNETES_CONTEXT')
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

function loadKubeConfig({ kubeconfig, context }: { kubeconfig?: string; context?: string }): KubeConfig {
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
    throw new ConfigError(`KUBECONFIG is "${kubeconfig ?? ''}" and cannot be used: ${String(error)}`, { cause: error })
  }
  return kubeConfig
}

export const MERGE_PATCH = setHeaderOptions('Content-Type', PatchStrategy.MergePatch)
/** Joins lists such as finalizers, where a merge patch would replace them. */
export const STRATEGIC_PATCH = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch)

export function statusCode(error: unknown): number | undefined {
  return error instanceof ApiException ? error.code : undefined
}

/** What the API server says about a refusal, in its own sentence. */
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

/** The answer, or undefined when there is no such thing. */
export async function found<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await persistently(call)
  } catch (error) {
    if (statusCode(error) === 404) return undefined
    throw error
  }
}

/** Repeats a call that may be repeated, when the connection broke or the server is busy. */
export async function persistently<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      const code = statusCode(error)
      const passes = code === undefined || code === 429 || code >= 500
      if (!passes || tries >= TRIES) throw asError(error)
      await sleep(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random() / 2))
    }
  }
}

/** The client's exceptions carry whole responses, headers and all, as their message. */
function asError(error: unknown): unknown {
  if (error instanceof ApiException) error.message = `Kubernetes: ${apiMessage(error)} (${error.code})`
  return error
}
