import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from '../log.ts'
import { ConnectionCounts } from './connection-counts.ts'
import type { HttpLimits } from './http-limits.ts'

/** An open request: its body arrives, it is handled, or its answer is sent. */
interface Exchange {
  incoming: IncomingMessage
  outgoing: ServerResponse
  startedMs: number
  /** Of the socket, when the request began. */
  startBytes: number
  /** Time in which the rest of the body waited for the server. */
  excusedMs: number
}

const SWEEP_MS = 1000
const DROP_AFTER_MS = 500
const MAX_DROPPED_BYTES = 1024 * 1024
const WARN_EVERY_MS = 60_000
const TOO_MANY = 'HTTP/1.1 429 Too Many Requests\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'
const TIMED_OUT = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

export interface ConnectionGuard {
  /** Whether an answer to this request, given now, would leave much of its body unread. */
  hasLongRest(incoming: IncomingMessage): boolean
}

/**
 * Closes the connections of clients that hold them without need: headers or bodies that do not arrive, answers that are not
 * read, too many of one address. Bodies and streams that move can take any time, and so can handlers.
 */
export function guardConnections(server: Server, limits: HttpLimits, logger?: Logger): ConnectionGuard {
  const exchanges = new Map<Socket, Exchange>()
  server.headersTimeout = limits.headersTimeoutMs
  server.keepAliveTimeout = limits.keepAliveMs
  server.maxConnections = limits.maxConnections
  // Node's limit is for the whole request. Uploads of many gigabytes exceed every fixed time.
  server.requestTimeout = 0
  limitAddresses(server, limits, logger)
  server.prependListener('request', (incoming, outgoing) => {
    const { socket } = incoming
    const { bytesRead: startBytes } = socket
    const exchange: Exchange = { incoming, outgoing, startedMs: performance.now(), startBytes, excusedMs: 0 }
    exchanges.set(socket, exchange)
    endWhereBodyRemains(exchange)
    outgoing.once('close', () => {
      if (exchanges.get(socket)?.incoming === incoming) exchanges.delete(socket)
    })
  })
  // Node restarts this timer whenever bytes move in either direction, also for parts of a large write.
  server.setTimeout(limits.idleTimeoutMs, (socket) => {
    const exchange = exchanges.get(socket)
    if (exchange === undefined) socket.destroy()
    else if (socket.writableLength > 0 || isClientsTurn(exchange)) end(socket, exchange)
    else socket.setTimeout(limits.idleTimeoutMs)
  })
  const sweep = setInterval(() => {
    for (const [socket, exchange] of exchanges) {
      if (exchange.incoming.complete) continue
      if (!isClientsTurn(exchange)) exchange.excusedMs += SWEEP_MS
      else if (isTooSlow(socket, exchange, limits)) end(socket, exchange)
    }
  }, SWEEP_MS)
  sweep.unref()
  server.once('close', () => clearInterval(sweep))
  return {
    hasLongRest(incoming) {
      const exchange = exchanges.get(incoming.socket)
      return exchange?.incoming === incoming && hasLongRest(exchange)
    },
  }
}

/**
 * Ends the connection of a request that is answered while a part of its body remains, unless Node can drop the rest quickly. The
 * answer announces the end: a proxy would otherwise send the next request, perhaps of another person, on this connection.
 */
function endWhereBodyRemains(exchange: Exchange): void {
  const { incoming, outgoing } = exchange
  const { socket } = incoming
  const writeHead = outgoing.writeHead.bind(outgoing) as (...head: unknown[]) => ServerResponse
  let isEnding = false
  // Node calls it too, for answers that have no explicit head.
  outgoing.writeHead = (...head: unknown[]) => {
    isEnding = hasLongRest(exchange)
    if (isEnding) {
      outgoing.setHeader('connection', 'close')
      // Node calls it after the answer. With data unread it would reset the connection, and the client could lose the answer.
      socket.destroySoon = () => socket.end()
    }
    return writeHead(...head)
  }
  outgoing.once('finish', () => {
    if (!isEnding) return
    // After the answer, Node and the adapter of Hono start to read the rest. Reading 10 MB costs more than the whole request did.
    socket.pause()
    socket.resume = () => socket
    const timer = setTimeout(() => socket.destroy(), DROP_AFTER_MS)
    socket.once('close', () => clearTimeout(timer))
  })
}

function hasLongRest({ incoming, startBytes }: Exchange): boolean {
  const { headers, socket } = incoming
  if (incoming.readableEnded) return false
  const declared = Number(headers['content-length'] ?? (headers['transfer-encoding'] === undefined ? 0 : Infinity))
  // Node drops a body that no handler has touched. One that was read in part would never end.
  const isTouched = declared > 0 && incoming.readableFlowing !== null
  return isTouched || (!incoming.complete && declared - (socket.bytesRead - startBytes) > MAX_DROPPED_BYTES)
}

/** Whether the next byte of the body must come from the client: nothing that has arrived waits for the server. */
function isClientsTurn({ incoming }: Exchange): boolean {
  return !incoming.complete && incoming.readableLength === 0
}

function isTooSlow(socket: Socket, exchange: Exchange, limits: HttpLimits): boolean {
  const tookMs = performance.now() - exchange.startedMs - exchange.excusedMs
  const receivedBytes = socket.bytesRead - exchange.startBytes
  return tookMs > limits.idleTimeoutMs && receivedBytes < (limits.minBodyBytesPerSecond * tookMs) / 1000
}

function end(socket: Socket, { outgoing }: Exchange): void {
  if (!outgoing.headersSent && socket.writableLength === 0) socket.write(TIMED_OUT)
  // What the client does not read would keep `end` waiting.
  setImmediate(() => socket.destroy())
}

/** Connections above the limit are answered before Node creates a parser for them. */
function limitAddresses(server: Server, limits: HttpLimits, logger: Logger | undefined): void {
  const { maxConnectionsPerAddress: max, proxies } = limits
  const counts = new ConnectionCounts(max)
  const listeners = server.listeners('connection')
  const accept = (socket: Socket) => {
    for (const listener of listeners) listener.call(server, socket)
  }
  let warnedMs = Number.NEGATIVE_INFINITY
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    // A Unix socket has no address.
    const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '')
    if (address === undefined || proxies.has(address)) return accept(socket)
    if (counts.add(address)) {
      socket.once('close', () => counts.remove(address))
      return accept(socket)
    }
    socket.on('error', () => socket.destroy())
    socket.end(TOO_MANY)
    socket.destroySoon()
    if (performance.now() - warnedMs < WARN_EVERY_MS) return
    warnedMs = performance.now()
    logger?.warn(
      { address, connections: max },
      'connections of one address were refused; if it is a proxy, add it to TRUSTED_PROXIES, else raise HTTP_MAX_CONNECTIONS_PER_ADDRESS',
    )
  })
}
