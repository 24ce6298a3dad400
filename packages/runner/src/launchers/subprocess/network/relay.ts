/** What the relay of one attempt is told, as JSON in its first argument. */
export interface RelayPlan {
  /** The folder in which the runner's sockets are. */
  gateDir: string
  /** Loopback addresses of the trainer's network that lead to us. */
  callbacks: readonly Address[]
  /** Loopback addresses that lead through the proxy to the same address of the machine: an object store on it. */
  tunnels: readonly Address[]
  /** Where the trainer's network has an HTTP proxy. */
  proxy?: Address
  /** Who the trainer is to the proxy. */
  authorization?: string
}

export interface Address {
  host: string
  port: number
}

/** How names of sockets in the gate's folder begin, by what they lead to. */
export const SOCKETS = { callback: 'callback-', proxy: 'proxy-' } as const

/**
 * Runs within the trainer's network, and carries bytes between its loopback and the runner's sockets. It is text, because
 * a bare Node runs it and it needs none of our packages. A runner that comes back has another socket: the newest that
 * answers is taken, for each connection anew.
 */
export const RELAY = `'use strict'
const fs = require('node:fs')
const net = require('node:net')
const plan = JSON.parse(process.argv[2])
// Names of sockets are short, and folders deep.
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
  const place = address.host + ':' + address.port
  server.write('CONNECT ' + place + ' HTTP/1.1\\r\\nHost: ' + place + '\\r\\nProxy-Authorization: ' + plan.authorization + '\\r\\n\\r\\n')
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
    dial(kind, client, (there) => connect(client, there))
  })
  server.once('error', (error) => { console.error('trainyard: ' + host + ':' + port + ' cannot be had in the sandbox: ' + error.message); ready() })
  server.listen(port, host, ready)
}
for (const address of plan.callbacks) serve(address, '${SOCKETS.callback}', join)
for (const address of plan.tunnels) serve(address, '${SOCKETS.proxy}', (client, server) => tunnel(address, client, server))
if (plan.proxy) serve(plan.proxy, '${SOCKETS.proxy}', join)
ready()
`

/**
 * Starts the relay, waits until it listens, and becomes the trainer: `$1` is the program, `$2` the relay, `$3` its plan. The
 * relay is nobody's child but the sandbox's, so that a trainer that waits for its children never meets it.
 */
export const START_BEHIND_RELAY = `
mkfifo "$TMPDIR/.network" || exit 126
( "$1" --max-old-space-size=64 "$2" "$3" </dev/null >"$TMPDIR/.network" & )
read -r ready < "$TMPDIR/.network"
rm -f "$TMPDIR/.network"
[ "$ready" = ready ] || { echo "trainyard: the sandbox's network did not come up" >&2; exit 126; }
shift 3
exec "$@"`
