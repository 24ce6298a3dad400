import { connect, createServer, type Server, type Socket } from 'node:net'

export interface TcpProxy {
  port: number
  close(): Promise<void>
}

/** A fixed address for servers that are killed and restarted. Each connection goes to one of the current ports in turn. */
export async function startProxy(ports: () => readonly number[], host = '127.0.0.1'): Promise<TcpProxy> {
  let turn = 0
  const open = new Set<Socket>()
  const server: Server = createServer((client) => {
    const current = ports()
    const port = current[turn++ % Math.max(1, current.length)]
    if (port === undefined) return void client.destroy()
    const target = connect(port, '127.0.0.1')
    for (const socket of [client, target]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        open.delete(socket)
        client.destroy()
        target.destroy()
      })
    }
    client.pipe(target).pipe(client)
  })
  await new Promise<void>((done, reject) => server.once('error', reject).listen(0, host, done))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    port: address.port,
    async close() {
      for (const socket of open) socket.destroy()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
}
