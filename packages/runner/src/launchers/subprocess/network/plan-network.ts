import { isLoopback } from '../../callback-url.ts'
import type { LaunchRequest } from '../../launcher.ts'
import { signPolicy } from './policy.ts'
import type { Address, RelayPlan } from './relay.ts'

/** What the network of every attempt is made of. */
export interface TrainerNetwork {
  /** Holds the runner's sockets. */
  gateDir: string
  /** The program of the relay. */
  relay: string
  /** Signs what attempts may reach. */
  key: string
  /** Addresses beyond the callback's that every trainer may reach, as `host:port`: the object store's. */
  trusted: readonly string[]
}

/** Below it, only root may listen, also in a network of one's own. */
const FIRST_FREE_PORT = 1024
const PROXY_PORT = 3128

/** The network of one attempt: what its relay does, and the variables that programs find the proxy by. */
export function planNetwork(
  request: Pick<LaunchRequest, 'callbackUrl' | 'networkHosts'>,
  { gateDir, key, trusted }: TrainerNetwork,
): { plan: RelayPlan; env: Record<string, string> } {
  const url = new URL(request.callbackUrl)
  const callback = addressOf(url)
  const isOurs = isLoopback(request.callbackUrl)
  if (isOurs && callback.port < FIRST_FREE_PORT)
    throw new Error(
      `The callback's address ${url.host} cannot be had in a network of the trainer's own: its port must be above 1023, or set SUBPROCESS_NETWORK=shared`,
    )
  // As every URL that leads there is written: in small letters, an address in its shortest form.
  const urls = trusted.map((place) => new URL(`http://${place}`))
  const tunnels = urls
    .filter(({ href }) => isLoopback(href))
    .map(addressOf)
    .filter(({ port }) => port >= FIRST_FREE_PORT)
  const policy = {
    trusted: [...urls.map(addressOf), ...(isOurs ? [] : [callback])].map(({ host, port }) => `${host}:${port}`),
    hosts: [...request.networkHosts],
  }
  const callbacks = isOurs ? bothFamilies(callback) : []
  if (policy.trusted.length === 0 && policy.hosts.length === 0)
    return { plan: { gateDir, callbacks, tunnels: [] }, env: {} }
  const { user, password } = signPolicy(key, policy)
  const taken = [...callbacks, ...tunnels].map(({ port }) => port)
  const proxy = { host: '127.0.0.1', port: taken.includes(PROXY_PORT) ? PROXY_PORT + 1 : PROXY_PORT }
  const address = `http://${user}:${password}@${proxy.host}:${proxy.port}`
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const direct = 'localhost,127.0.0.1,::1'
  return {
    plan: { gateDir, callbacks, tunnels: tunnels.flatMap(bothFamilies), proxy, authorization },
    env: {
      ...{ HTTP_PROXY: address, http_proxy: address, HTTPS_PROXY: address, https_proxy: address },
      ...{ NO_PROXY: direct, no_proxy: direct, NODE_USE_ENV_PROXY: '1' },
    },
  }
}

function addressOf({ hostname, port, protocol }: URL): Address {
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  }
}

/** What "localhost" is, is the resolver's business. */
function bothFamilies(address: Address): Address[] {
  return address.host === 'localhost' ? ['127.0.0.1', '::1'].map((host) => ({ ...address, host })) : [address]
}
