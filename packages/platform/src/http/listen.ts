import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Duplex } from 'node:stream'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { ConfigError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { createPace } from '../system/create-pace.ts'
import { errorCode } from '../system/describe-error.ts'
import { setRemoteAddress } from './client-address.ts'
import { guardConnections } from './guard-connections.ts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './http-limits.ts'
import { sendSource, setIncoming } from './raw-exchange.ts'
import { surviveRejections } from './survive-rejections.ts'

export interface ListenOptions {
  /** Default: `127.0.0.1`. */
  host?: string | undefined
  /** 0 selects a free port. */
  port: number
  /** A Unix socket to listen on instead of host and port. */
  socketPath?: string | undefined
  /** How long `close()` waits for open requests and streams before it ends their connections. Default: 2000. */
  drainMs?: number | undefined
  /** Accepts or refuses WebSocket upgrades. Default: they are answered as plain requests. */
  upgrade?: UpgradeHandler | undefined
  /** Changes to {@link DEFAULT_HTTP_LIMITS}. */
  limits?: Partial<HttpLimits> | undefined
  /** Logs refused connections, and rejections that no code awaits. Default: neither is logged, and such a rejection ends the process. */
  logger?: Logger | undefined
}

/**
 * A body that is refused costs its sender nothing, and the server a millisecond and a connection. Senders that try again at once
 * would take all of its time.
 */
const REFUSALS = { perSecond: 100, burst: 20 }

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

export interface Listening {
  /** For example `http://127.0.0.1:7600`, without a trailing slash. */
  url: string
  port: number
  /** Stops accepting requests, waits for open ones, and resolves when the last connection is closed. */
  close(): Promise<void>
}

/**
 * Serves an app over HTTP.
 *
 * @throws ConfigError when the server cannot listen on this host or port
 */
export async function listen(
  app: { fetch: (request: Request, bindings?: object) => Response | Promise<Response> },
  { host = '127.0.0.1', port, socketPath, drainMs = 2000, upgrade, limits, logger }: ListenOptions,
): Promise<Listening> {
  const fetch = async (request: Request, bindings: object) => {
    const { incoming, outgoing } = bindings as HttpBindings
    setRemoteAddress(request, incoming.socket.remoteAddress)
    setIncoming(request, incoming)
    const response = await app.fetch(request, bindings)
    if (response.status === 413 || guard.hasLongRest(incoming)) await refusals()
    return sendSource(response, outgoing) ? RESPONSE_ALREADY_SENT : response
  }
  const full = { ...DEFAULT_HTTP_LIMITS, ...limits }
  const refusals = createPace(REFUSALS)
  const serverOptions = { connectionsCheckingInterval: Math.min(1000, full.headersTimeoutMs) }
  const server = createAdaptorServer({ fetch, serverOptions }) as Server
  const guard = guardConnections(server, full, logger)
  const sockets = upgrade === undefined ? undefined : serveUpgrades(server, upgrade)
  if (socketPath === undefined) server.listen(port, host)
  else server.listen(socketPath)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw socketPath === undefined ? explain(error, host, port) : error
  }
  // One set of what is logged per server: two servers can have the same logger.
  if (logger !== undefined) server.once('close', surviveRejections({ error: logger.error.bind(logger) }))
  const address = server.address()
  const actualPort = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${reachable(host)}:${actualPort}`,
    port: actualPort,
    close: () => drain(server, drainMs, sockets),
  }
}

/** With a listener, Node emits every request to upgrade, also those of HTTP/2 clients without TLS. */
function serveUpgrades(server: Server, upgrade: UpgradeHandler): Set<Duplex> {
  const sockets = new Set<Duplex>()
  const isWebSocket = (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket'
  // Since Node 24.9, upgrades that this refuses are handled as plain requests.
  Object.assign(server, { shouldUpgradeCallback: isWebSocket })
  server.on('upgrade', (request, socket, head) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    if (isWebSocket(request)) upgrade(request, socket, head)
    else socket.end('HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  return sockets
}

async function drain(server: Server, drainMs: number, sockets: Set<Duplex> = new Set()): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const idle = setInterval(() => server.closeIdleConnections(), 50)
  const cut = setTimeout(() => {
    server.closeAllConnections()
    for (const socket of sockets) socket.destroy()
  }, drainMs)
  await closed
  clearInterval(idle)
  clearTimeout(cut)
}

function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === '') return '127.0.0.1'
  return isIPv6(host) ? `[${host}]` : host
}

function explain(error: unknown, host: string, port: number): unknown {
  const options = { cause: error }
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new ConfigError(
        `Port ${port} on ${host} is already in use; set PORT to another port, or stop the program that uses it`,
        options,
      )
    case 'EACCES':
      return new ConfigError(
        `This user cannot listen on port ${port} of ${host}; set PORT to a port above 1023`,
        options,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(
        `HOST is "${host}", which is not an address of this machine; set it to 127.0.0.1 or 0.0.0.0`,
        options,
      )
    default:
      return error
  }
}
