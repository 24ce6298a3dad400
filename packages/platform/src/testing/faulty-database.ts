import { connect, createServer, type Socket } from 'node:net'
import { testDatabaseUrl } from './create-test-database.ts'

/** `before`: the server never gets the end of the statement. `after`: it has carried it out, and its answer is lost. */
export type StatementFault = 'before' | 'after'

export interface FaultyDatabase {
  /** Of the PostgreSQL of the tests, with connections that can be lost. */
  url: string
  /** Loses the connection at the `call`-th statement from now on, of any connection, counted from 1. */
  arm(call: number, fault: StatementFault): void
  /** The statements of all connections until now. */
  statements(): number
  /** Ends the faults. Whether the connection was lost: there were at least that many statements. */
  disarm(): boolean
  close(): Promise<void>
}

/** Sits between a server and its PostgreSQL, and counts statements by the messages that end one: Query and Sync. */
export async function startFaultyDatabase(): Promise<FaultyDatabase> {
  const url = new URL(testDatabaseUrl())
  const target = { host: url.hostname, port: Number(url.port || 5432) }
  const sockets = new Set<Socket>()
  let armed: { left: number; fault: StatementFault } | undefined
  let hasFailed = false
  let statements = 0

  const isDue = () => {
    statements++
    return armed !== undefined && --armed.left === 0
  }
  const relay = (client: Socket) => {
    const server = connect(target)
    const lose = () => {
      hasFailed = true
      armed = undefined
      client.destroy()
      server.destroy()
    }
    let losesAnswer = false
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    const fromClient = splitMessages('startup')
    const fromServer = splitMessages('typed')
    client.on('data', (chunk: Buffer) => {
      for (const message of fromClient(chunk)) {
        if ((message.type === 'Q' || message.type === 'S') && isDue()) {
          if (armed?.fault === 'before') return lose()
          losesAnswer = true
        }
        server.write(message.bytes)
      }
    })
    server.on('data', (chunk: Buffer) => {
      if (!losesAnswer) return void client.write(chunk)
      for (const message of fromServer(chunk)) if (message.type === 'Z') return lose()
    })
  }
  const listener = createServer(relay)
  await new Promise<void>((done, reject) => listener.once('error', reject).listen(0, '127.0.0.1', done))
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  return {
    url: url.href,
    statements: () => statements,
    arm(call, fault) {
      hasFailed = false
      armed = { left: call, fault }
    },
    disarm() {
      armed = undefined
      return hasFailed
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((done) => listener.close(() => done()))
    },
  }
}

interface Message {
  type: string
  bytes: Buffer
}

/**
 * The complete messages in a stream of PostgreSQL's protocol: a type, a length that includes itself, the rest. The first of a
 * client has no type. https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
function splitMessages(first: 'startup' | 'typed'): (chunk: Buffer) => Message[] {
  let rest: Buffer = Buffer.alloc(0)
  let isStartup = first === 'startup'
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    const messages: Message[] = []
    for (;;) {
      const head = isStartup ? 0 : 1
      if (rest.length < head + 4) return messages
      const length = head + rest.readInt32BE(head)
      if (rest.length < length) return messages
      messages.push({ type: isStartup ? '' : String.fromCharCode(rest[0] ?? 0), bytes: rest.subarray(0, length) })
      rest = rest.subarray(length)
      isStartup = false
    }
  }
}
