const NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'] as const
/** A proxy cannot reach the services of this machine. */
const LOCAL = ['localhost', '127.0.0.1', '::1']

/**
 * The variables of the proxy, as Node.js takes them for `proxyEnv`. Undefined without a proxy. This machine is always reached
 * directly.
 */
export function proxyEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> | undefined {
  const set = NAMES.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []))
  if (set.length === 0) return undefined
  const direct = [env.NO_PROXY || env.no_proxy, ...LOCAL].filter(Boolean).join(',')
  return Object.fromEntries([...set, ['NO_PROXY', direct], ['no_proxy', direct]])
}
