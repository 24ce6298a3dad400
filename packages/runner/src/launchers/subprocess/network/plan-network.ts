import { isLoopback } from '../../callback-url.ts'
import type { LaunchRequest } from '../../launcher.ts'
import { signPolicy } from './policy.ts'
import type { Address, RelayPlan } from './relay.ts'

/** The parts that the networks of all attempts share. */
export interface TrainerNetwork {
  /** Holds the runner's sockets. */
  gatewayDir: string
  /** Path of the relay program. */
  relay: string
  /** Signs the addresses that an attempt may reach. */
  key: string
  /** Addresses (`host:port`) that every trainer may reach, in addition to the callback: the object store, for example. */
  trusted: readonly string[]
}

/** Only root may listen on lower ports, also in a network namespace. */
const FIRST_UNPRIVILEGED_PORT = 1024
const PROXY_PORT = 3128

/** Plans the network of one attempt, or of a build, which has no callback: what its relay does, and the variables that tell programs about the proxy. */
export function planNetwork(
  request: Pick<LaunchRequest, 'networkHosts'> & { callbackUrl?: string | undefined },
  { gatewayDir, key, trusted }: TrainerNetwork,
): { plan: RelayPlan; env: Record<string, string> } {
  const { callbackUrl } = request
  const url = callbackUrl === undefined ? undefined : new URL(callbackUrl)
  const callback = url && addressOf(url)
  const isLocal = callbackUrl !== undefined && isLoopback(callbackUrl)
  if (url !== undefined && callback !== undefined && isLocal && callback.port < FIRST_UNPRIVILEGED_PORT)
    throw new Error(
      `The callback address is ${url.host}, but in a network of its own a trainer cannot use ports below 1024: expected a port above 1023, or SUBPROCESS_NETWORK=shared`,
    )
  // Normalised as in URLs: lower case, and addresses in their shortest form.
  const urls = trusted.map((address) => new URL(`http://${address}`))
  const tunnels = urls
    .filter(({ href }) => isLoopback(href))
    .map(addressOf)
    .filter(({ port }) => port >= FIRST_UNPRIVILEGED_PORT)
  const policy = {
    trusted: [...urls.map(addressOf), ...(isLocal || callback === undefined ? [] : [callback])].map(
      ({ host, port }) => `${host}:${port}`,
    ),
    hosts: [...request.networkHosts],
  }
  const callbacks = isLocal && callback !== undefined ? bothFamilies(callback) : []
  if (policy.trusted.length === 0 && policy.hosts.length === 0)
    return { plan: { gateDir: gatewayDir, callbacks, tunnels: [] }, env: {} }
  const { user, password } = signPolicy(key, policy)
  const taken = [...callbacks, ...tunnels].map(({ port }) => port)
  const proxy = { host: '127.0.0.1', port: taken.includes(PROXY_PORT) ? PROXY_PORT + 1 : PROXY_PORT }
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return {
    plan: { gateDir: gatewayDir, callbacks, tunnels: tunnels.flatMap(bothFamilies), proxy, authorization },
    env: proxyVariables(`http://${user}:${password}@${proxy.host}:${proxy.port}`),
  }
}

function proxyVariables(url: string): Record<string, string> {
  const direct = 'localhost,127.0.0.1,::1'
  return {
    HTTP_PROXY: url,
    http_proxy: url,
    HTTPS_PROXY: url,
    https_proxy: url,
    NO_PROXY: direct,
    no_proxy: direct,
    NODE_USE_ENV_PROXY: '1',
  }
}

function addressOf({ hostname, port, protocol }: URL): Address {
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  }
}

/** The resolver decides which of the two "localhost" is. */
function bothFamilies(address: Address): Address[] {
  return address.host === 'localhost' ? ['127.0.0.1', '::1'].map((host) => ({ ...address, host })) : [address]
}
