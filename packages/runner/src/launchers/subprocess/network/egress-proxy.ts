import { lookup } from 'node:dns'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { BlockList, connect, isIP, type LookupFunction } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Policy, readPolicy } from './policy.ts'

/** An HTTP proxy for trainers. It connects only to what the policy in the credentials allows. */
export function createEgressProxy(key: string): Server {
  const server = createServer((message, response) => void forward(key, message, response))
  server.on('connect', (message, client: Duplex, head: Buffer) => tunnel(key, message, client, head))
  // Node's default of five minutes is too short for downloads of weights.
  server.requestTimeout = 0
  return server
}

interface Destination {
  host: string
  port: number
  /** The host is from a manifest, so internal addresses are refused. */
  isPublicOnly: boolean
}

/** Where a request may connect to, or the status and message of the refusal. */
export function decide(
  policy: Policy | undefined,
  host: string,
  port: number,
): Destination | { status: number; message: string } {
  if (policy === undefined)
    return { status: 407, message: 'The proxy requires the credentials in the trainer’s environment (HTTP_PROXY)' }
  const name = host.toLowerCase().replace(/\.$/, '')
  const address = `${name}:${port}`
  if (policy.trusted.includes(address)) return { host: name, port, isPublicOnly: false }
  if (policy.hosts.some((allowed) => [name, address].includes(allowed.toLowerCase()))) {
    if (isIP(name) === 0 || isPublic(name)) return { host: name, port, isPublicOnly: true }
    return { status: 403, message: `${name} is not a public address` }
  }
  return { status: 403, message: `${name} is not in "permissions.network" of the manifest` }
}

function tunnel(key: string, message: IncomingMessage, client: Duplex, head: Buffer): void {
  const refuse = (status: number, text: string) =>
    client.end(`HTTP/1.1 ${status} Refused\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n${text}\n`)
  client.on('error', () => client.destroy())
  const match = /^\[?([^[\]]+?)\]?:(\d{1,5})$/.exec(message.url ?? '')
  const decision = decide(readPolicy(key, message.headers['proxy-authorization']), match?.[1] ?? '', Number(match?.[2]))
  if ('status' in decision) return void refuse(decision.status, decision.message)
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
async function forward(key: string, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const refuse = (status: number, text: string) => {
    if (!response.headersSent) response.writeHead(status, { 'content-type': 'text/plain' })
    response.end(`${text}\n`)
  }
  const url = URL.parse(message.url ?? '')
  if (url?.protocol !== 'http:') return refuse(400, 'This is a proxy: expected an http URL')
  const { 'proxy-authorization': credentials, 'proxy-connection': _, ...headers } = message.headers
  const port = url.port === '' ? 80 : Number(url.port)
  const decision = decide(readPolicy(key, credentials), url.hostname.replace(/^\[|\]$/g, ''), port)
  if ('status' in decision) return refuse(decision.status, decision.message)
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

const INTERNAL = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  INTERNAL.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  INTERNAL.addSubnet(net, prefix, 'ipv6')

/** False for addresses of this machine, of private networks, and of cloud services at link-local addresses. */
export function isPublic(address: string): boolean {
  // The IPv4 rules also match IPv4-mapped IPv6 addresses.
  return !INTERNAL.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** A host of a manifest must not lead to an internal address, whatever its DNS returns. */
const lookupPublic: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '', 4)
    const allowed = addresses.filter(({ address }) => isPublic(address))
    const first = allowed[0]
    if (first === undefined) return callback(new Error(`${host} has no public address`), '', 4)
    if (options.all === true) callback(null, allowed)
    else callback(null, first.address, first.family)
  })
}
