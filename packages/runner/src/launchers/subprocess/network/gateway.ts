import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, closeSync, openSync, readdirSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type HttpLimits, type Listening, listen } from '@trainyard/platform'
import type { App } from '../../launcher.ts'
import { createEgressProxy, type OnRefused } from './egress-proxy.ts'
import { SOCKETS } from './relay.ts'

export interface Gateway {
  close(): Promise<void>
}

/** Serves trainers in a network of their own through sockets in a folder: the app at the callback address, and the proxy. */
export async function openGateway(
  dir: string,
  key: string,
  app: App,
  limits?: Partial<HttpLimits>,
  onRefused?: OnRefused,
): Promise<Gateway> {
  await removeDeadSockets(dir)
  // The path of a socket is limited to about 100 characters. Through the descriptor, the folder's own path can be longer.
  const folder = openSync(dir, 'r')
  const socketPath = (kind: string) => `/proc/self/fd/${folder}/${kind}${randomUUID().slice(0, 8)}`
  let callback: Listening | undefined
  const proxy = createEgressProxy(key, limits, onRefused)
  const close = async () => {
    await Promise.all([callback?.close(), closeProxy(proxy)])
    closeSync(folder)
  }
  try {
    const callbackPath = socketPath(SOCKETS.callback)
    callback = await listen(app, { port: 0, socketPath: callbackPath, limits })
    const proxyPath = socketPath(SOCKETS.proxy)
    proxy.listen(proxyPath)
    await once(proxy, 'listening')
    // Trainers have users of their own. The folder is below one that only the runner can enter, and mounted for them.
    for (const path of [callbackPath, proxyPath]) chmodSync(path, 0o666)
  } catch (error) {
    await close()
    throw error
  }
  return { close }
}

async function closeProxy(proxy: Server): Promise<void> {
  if (!proxy.listening) return
  proxy.close()
  proxy.closeAllConnections()
  await once(proxy, 'close')
}

/** Removes sockets of killed runners, which refuse connections. */
async function removeDeadSockets(dir: string): Promise<void> {
  const folder = openSync(dir, 'r')
  try {
    for (const name of readdirSync(dir)) {
      const socket = connect(`/proc/self/fd/${folder}/${name}`)
      const isDead = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(false))
        socket.once('error', (error) => resolve('code' in error && error.code === 'ECONNREFUSED'))
      })
      socket.destroy()
      if (isDead) rmSync(join(dir, name), { force: true })
    }
  } finally {
    closeSync(folder)
  }
}
