import { type IncomingMessage, type RequestOptions, request } from 'node:http'

const DEFAULT_SOCKET = '/var/run/docker.sock'

/**
 * The archive of an image that the container engine of this machine has, as `docker save` writes it. Undefined: there is no
 * engine, or it does not have the image.
 */
export async function saveImage(
  name: string,
  { env, signal }: { env: Readonly<Record<string, string | undefined>>; signal?: AbortSignal | undefined },
): Promise<AsyncIterable<Uint8Array> | undefined> {
  const engine = findEngine(env)
  if (engine === undefined) return undefined
  const response = await get({ ...engine, path: `/images/${encodeURIComponent(name)}/get`, signal })
  if (response?.statusCode === 200) return response
  response?.resume()
  return undefined
}

/** `DOCKER_HOST` as Docker's command reads it. Engines behind TLS or SSH are not asked. */
function findEngine({ DOCKER_HOST: host }: Readonly<Record<string, string | undefined>>): RequestOptions | undefined {
  if (host === undefined || host === '') return { socketPath: DEFAULT_SOCKET }
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) }
  if (!host.startsWith('tcp://')) return undefined
  const { hostname, port } = new URL(host)
  return { hostname, port: port === '' ? 2375 : Number(port) }
}

function get(options: RequestOptions): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const sent = request(options, resolve)
    // No engine at this address, or none that this user can reach.
    sent.on('error', () => resolve(undefined))
    sent.end()
  })
}
