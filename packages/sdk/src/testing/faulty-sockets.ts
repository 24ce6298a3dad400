import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * When a connection is reset (ECONNRESET): `before` a byte of the request is passed on, in the `middle` of its body, `after` the
 * server has answered and before a byte of the answer is passed on, or in the middle of the `answer`.
 */
export type SocketFault = 'before' | 'middle' | 'after' | 'answer'

export interface FaultySockets {
  port: number
  /** Resets the connection of the `request`-th request from now on, counted from 1, and of all that follow if `always`. */
  arm(request: number, fault: SocketFault, options?: { always?: boolean }): void
  /** Ends the faults. Whether a connection was reset: there were at least that many requests. */
  disarm(): boolean
  close(): Promise<void>
}

/** Sits between a client and an HTTP server. Requests of one connection come one after the other. */
export async function startFaultySockets(targetPort: number): Promise<FaultySockets> {
  const sockets = new Set<Socket>()
  let count = 0
  let armed: { request: number; fault: SocketFault; always: boolean } | undefined
  let hasFailed = false

  const nextFault = (): SocketFault | undefined => {
    count++
    if (armed === undefined || count < armed.request) return undefined
    return armed.always || count === armed.request ? armed.fault : undefined
  }

  const listener = createServer((client) => {
    const server = connect(targetPort, '127.0.0.1')
    const reset = () => {
      hasFailed = true
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
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
    let fault: SocketFault | undefined
    // Undefined between two requests.
    let head: string | undefined
    let left = 0
    client.on('data', (chunk: Buffer) => {
      if (head === undefined) {
        head = ''
        fault = nextFault()
        if (fault === 'before') return reset()
      }
      if (left > 0) {
        if (fault === 'middle') {
          server.write(chunk.subarray(0, Math.floor(chunk.length / 2)), reset)
          return
        }
        left -= chunk.length
        server.write(chunk)
        return
      }
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end !== -1) {
        left = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0) - (head.length - end - 4)
        if (fault === 'middle') {
          // The body came with its head, or there is none.
          const sent = chunk.length - Math.ceil((head.length - end - 4) / 2)
          if (left <= 0) return void server.write(chunk.subarray(0, Math.max(1, sent - 1)), reset)
        }
      }
      server.write(chunk)
    })
    server.on('data', (chunk: Buffer) => {
      // The next data of the client is a new request.
      head = undefined
      left = 0
      if (fault === 'after') return reset()
      if (fault === 'answer')
        return void client.write(chunk.subarray(0, Math.floor(chunk.length / 2)), () => setImmediate(reset))
      client.write(chunk)
    })
  })
  await new Promise<void>((done, reject) => listener.once('error', reject).listen(0, '127.0.0.1', done))
  return {
    port: (listener.address() as AddressInfo).port,
    arm(request, fault, { always = false } = {}) {
      count = 0
      hasFailed = false
      armed = { request, fault, always }
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
