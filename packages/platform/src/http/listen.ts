import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Duplex } from 'node:stream'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { ConfigError } from '../errors.ts'
import { setRemoteAddress } from './client-address.ts'

export interface ListenOptions {
  /** Where to listen. Default: `127.0.0.1`. */
  host?: string
  /** 0 takes a free one. */
  port: number
  /** A Unix socket to listen on instead. */
  socketPath?: string
  /** How long open requests may go on after `close()`; streams that never end are cut then. Default: 2000. */
  drainMs?: number
  /** Takes over connections that are to become WebSockets; it also refuses them. Default: they are answered as plain requests. */
  upgrade?: UpgradeHandler
}

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

export interface Listening {
  /** For example `http://127.0.0.1:7600`, without a slash at its end. */
  url: string
  port: number
  /** Takes no new requests, lets open ones finish, and resolves when the last connection is gone. */
  close(): Promise<void>
}

/**
 * Serves an app over HTTP.
 *
 * @throws ConfigError when the port is taken or may not be used
 */
export async function listen(
  app: { fetch: (request: Request, bindings?: object) => Response | Promise<Response> },
  { host = '127.0.0.1', port, socketPath, drainMs = 2000, upgrade }: ListenOptions,
): Promise<Listening> {
  const fetch = (request: Request, bindings: object) => {
    const { incoming } = bindings as HttpBindings
    setRemoteAddress(request, incoming.socket.remoteAddress)
    return app.fetch(request, bindings)
  }
  const server = createAdaptorServer({ fetch }) as Server
  // Uploads of many gigabytes take longer than Node's five minutes; slow headers are still cut off.
  server.requestTimeout = 0
  const sockets = upgrade === undefined ? undefined : serveUpgrades(server, upgrade)
  if (socketPath === undefined) server.listen(port, host)
  else server.listen(socketPath)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw socketPath === undefined ? explain(error, host, port) : error
  }
  const address = server.address()
  const actualPort = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${reachable(host)}:${actualPort}`,
    port: actualPort,
    close: () => drain(server, drainMs, sockets),
  }
}

/** Node hands every wish to upgrade over as soon as one is listened for; HTTP/2 clients without TLS also utter such wishes. */
function serveUpgrades(server: Server, upgrade: UpgradeHandler): Set<Duplex> {
  const sockets = new Set<Duplex>()
  const isWebSocket = (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket'
  // From Node 24.9 on, what we do not take stays a plain request.
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
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const options = { cause: error }
  switch (code) {
    case 'EADDRINUSE':
      return new ConfigError(
        `Port ${port} on ${host} is already in use; set PORT to another, or stop the program that holds it`,
        options,
      )
    case 'EACCES':
      return new ConfigError(
        `Port ${port} on ${host} may not be used by this user; set PORT to one above 1023`,
        options,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(
        `HOST is "${host}", which is no address of this machine; set it to 127.0.0.1 or 0.0.0.0`,
        options,
      )
    default:
      return error
  }
}
