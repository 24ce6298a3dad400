import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { DEFAULT_HTTP_LIMITS, guardConnections, type HttpLimits } from '@trainyard/platform'
import { decide } from './decide.ts'
import { readPolicy } from './policy.ts'
import { lookupPublic } from './public-address.ts'

/** Called with the host that a trainer must not reach. */
export type OnRefused = (host: string) => void

interface Access {
  key: string
  onRefused: OnRefused
}

/** An HTTP proxy for trainers. It connects only to what the policy in the credentials allows. */
export function createEgressProxy(
  key: string,
  limits: Partial<HttpLimits> = {},
  onRefused: OnRefused = () => undefined,
): Server {
  const access = { key, onRefused }
  const server = createServer((message, response) => void forward(access, message, response))
  server.on('connect', (message, client: Duplex, head: Buffer) => tunnel(access, message, client, head))
  // Tunnels are not requests: they stay open.
  guardConnections(server, { ...DEFAULT_HTTP_LIMITS, ...limits })
  return server
}

function tunnel({ key, onRefused }: Access, message: IncomingMessage, client: Duplex, head: Buffer): void {
  const refuse = (status: number, text: string) =>
    client.end(`HTTP/1.1 ${status} Refused\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n${text}\n`)
  client.on('error', () => client.destroy())
  const match = /^\[?([^[\]]+?)\]?:(\d{1,5})$/.exec(message.url ?? '')
  const decision = decide(readPolicy(key, message.headers['proxy-authorization']), match?.[1] ?? '', Number(match?.[2]))
  if ('status' in decision) {
    onRefused(match?.[1] ?? '')
    return void refuse(decision.status, decision.message)
  }
  const { host, port, isPublicOnly } = decision
  const server = connect({ host, port, allowHalfOpen: true, lookup: isPublicOnly ? lookupPublic : undefined })
  server.once('error', (error) => void refuse(502, error.message))
  server.once('connect', () => {
    server.removeAllListeners('error')
    client.write('HTTP/1.1 200 Connected\r\n\r\n')
    if (head.length > 0) server.write(head)
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
      one.pipe(other)
    }
  })
}

/** Forwards a plain HTTP request, which has the whole URL in its first line. */
async function forward({ key, onRefused }: Access, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const refuse = (status: number, text: string) => {
    if (!response.headersSent) response.writeHead(status, { 'content-type': 'text/plain' })
    response.end(`${text}\n`)
  }
  const url = URL.parse(message.url ?? '')
  if (url?.protocol !== 'http:') return refuse(400, 'This is a proxy: expected an http URL')
  const { 'proxy-authorization': credentials, 'proxy-connection': _, ...headers } = message.headers
  const port = url.port === '' ? 80 : Number(url.port)
  const decision = decide(readPolicy(key, credentials), url.hostname.replace(/^\[|\]$/g, ''), port)
  if ('status' in decision) {
    onRefused(url.hostname)
    return refuse(decision.status, decision.message)
  }
  const onward = request(
    {
      host: decision.host,
      port: decision.port,
      method: message.method,
      path: url.pathname + url.search,
      headers: { ...headers, host: url.host },
      lookup: decision.isPublicOnly ? lookupPublic : undefined,
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    },
  )
  onward.on('error', (error) => refuse(502, error.message))
  message.on('error', () => onward.destroy())
  response.on('close', () => onward.destroy())
  message.pipe(onward)
}
