import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { listForeignConnections } from './foreign-connections.ts'

const own = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address

test.skipIf(own === undefined || !existsSync('/proc/self/net/tcp'))(
  'a connection to another address than the platform is listed, one to the platform is not',
  async () => {
    const server = createServer().listen(0, own)
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const socket = connect(port, own ?? '')
    await once(socket, 'connect')
    const suffix = `:${port.toString(16).padStart(4, '0').toUpperCase()}`
    const seen = async (platform: string) =>
      (await listForeignConnections(process.pid, platform)).filter((line) => line.endsWith(suffix))
    expect(await seen('192.0.2.1')).toHaveLength(1)
    expect(await seen(own ?? '')).toEqual([])
    socket.destroy()
    server.close()
  },
)
