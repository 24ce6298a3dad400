import http from 'node:http'
import { proxyEnvironment } from '@trainyard/contract'

/** Sends requests through the proxy of HTTP_PROXY and HTTPS_PROXY. Returns what to tell the user, if this Node.js cannot. */
export function useProxy(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const proxy = proxyEnvironment(env)
  // With this variable, Node.js did it already.
  if (proxy === undefined || env.NODE_USE_ENV_PROXY === '1') return undefined
  if (typeof http.setGlobalProxyFromEnv !== 'function')
    return 'Node.js does not use the proxy of HTTP_PROXY and HTTPS_PROXY: set NODE_USE_ENV_PROXY=1 (Node.js 22.21 or newer)'
  http.setGlobalProxyFromEnv(proxy)
  return undefined
}
