import { BECOME_TRAINER } from '../shim.ts'

/** The relay's only argument, as JSON. */
export interface RelayPlan {
  /** The folder with the runner's sockets. */
  gateDir: string
  /** Loopback addresses in the trainer's network that lead to the runner. */
  callbacks: readonly Address[]
  /** Loopback addresses that lead through the proxy to the same address of the machine, for example to an object store. */
  tunnels: readonly Address[]
  /** Address of the HTTP proxy in the trainer's network. */
  proxy?: Address | undefined
  /** The trainer's credentials for the proxy. */
  authorization?: string | undefined
}

export interface Address {
  host: string
  port: number
}

/** Prefixes of the names of sockets, by where they lead. */
export const SOCKETS = { callback: 'callback-', proxy: 'proxy-' } as const

/**
 * Runs in the trainer's network and forwards connections from its loopback to the runner's sockets. It is a string, because
 * plain Node runs it without any of our packages. A restarted runner has a new socket, so each connection uses the newest
 * socket that answers.
 */
export const RELAY = `'use strict'
const fs = require('node:fs')
const net = require('node:net')
const plan = JSON.parse(process.argv[2])
// The path of a socket is limited to about 100 characters.
process.chdir(plan.gateDir)
const age = (name) => fs.statSync(name, { throwIfNoEntry: false })?.mtimeMs ?? 0
function dial(kind, client, then) {
  const names = fs.readdirSync('.').filter((name) => name.startsWith(kind)).sort((a, b) => age(b) - age(a))
  const next = () => {
    const name = names.shift()
    if (name === undefined) return client.destroy()
    const server = net.connect({ path: name, allowHalfOpen: true })
    server.once('error', next)
    server.once('connect', () => {
      server.removeListener('error', next)
      then(server)
    })
  }
  next()
}
function join(client, server) {
  for (const [one, other] of [[client, server], [server, client]]) {
    one.on('error', () => other.destroy())
    one.on('close', () => other.destroy())
    one.pipe(other)
  }
}
function tunnel(address, client, server) {
  const target = address.host + ':' + address.port
  server.write('CONNECT ' + target + ' HTTP/1.1\\r\\nHost: ' + target + '\\r\\nProxy-Authorization: ' + plan.authorization + '\\r\\n\\r\\n')
  let head = Buffer.alloc(0)
  const read = (chunk) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\\r\\n\\r\\n')
    if (end < 0) return
    server.removeListener('data', read)
    server.pause()
    if (!/^HTTP\\/1\\.[01] 200/.test(head.toString('latin1'))) return client.destroy()
    if (head.length > end + 4) server.unshift(head.subarray(end + 4))
    join(client, server)
  }
  server.on('error', () => client.destroy())
  server.on('data', read)
}
let waiting = 1
const ready = () => { if (--waiting === 0) { try { fs.writeSync(1, 'ready\\n') } catch {} fs.closeSync(1); fs.openSync('/dev/null', 'w') } }
function serve({ host, port }, kind, connect) {
  waiting++
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on('error', () => client.destroy())
    dial(kind, client, (target) => connect(client, target))
  })
  server.once('error', (error) => { console.error('trainyard: ' + host + ':' + port + ' cannot be used in the sandbox: ' + error.message); ready() })
  server.listen(port, host, ready)
}
for (const address of plan.callbacks) serve(address, '${SOCKETS.callback}', join)
for (const address of plan.tunnels) serve(address, '${SOCKETS.proxy}', (client, server) => tunnel(address, client, server))
if (plan.proxy) serve(plan.proxy, '${SOCKETS.proxy}', join)
ready()
`

/**
 * Starts the relay, waits until it listens, and replaces itself with the trainer. `$1` is Node, `$2` the relay, `$3` its plan.
 * The relay becomes a child of the sandbox's process 1, so a trainer that waits for its children does not wait for it.
 */
export const START_BEHIND_RELAY = `
mkfifo "$TMPDIR/.network" || exit 126
( "$1" --max-old-space-size=64 "$2" "$3" </dev/null >"$TMPDIR/.network" 3>&- & )
read -r ready < "$TMPDIR/.network"
rm -f "$TMPDIR/.network"
[ "$ready" = ready ] || { echo "trainyard: the network of the sandbox did not start" >&2; exit 126; }
shift 3
${BECOME_TRAINER}`
