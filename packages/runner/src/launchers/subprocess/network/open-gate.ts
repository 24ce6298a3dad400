import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Listening, listen } from '@trainyard/platform'
import { createEgressProxy } from './egress-proxy.ts'
import { SOCKETS } from './relay.ts'

export interface Gate {
  close(): Promise<void>
}

interface App {
  fetch(request: Request): Response | Promise<Response>
}

/** Serves trainers that have a network of their own: an app under the address of the callback, and the proxy. */
export async function openGate(dir: string, key: string, app: App): Promise<Gate> {
  await sweep(dir)
  // A socket's address holds a hundred characters; this way its folder may be as deep as it likes.
  const folder = openSync(dir, 'r')
  const name = (kind: string) => `/proc/self/fd/${folder}/${kind}${randomUUID().slice(0, 8)}`
  let callback: Listening | undefined
  const proxy = createEgressProxy(key)
  const close = async () => {
    await Promise.all([callback?.close(), closeProxy(proxy)])
    closeSync(folder)
  }
  try {
    callback = await listen(app, { port: 0, socketPath: name(SOCKETS.callback) })
    proxy.listen(name(SOCKETS.proxy))
    await once(proxy, 'listening')
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

/** Sockets of runners that were killed: nobody answers there. */
async function sweep(dir: string): Promise<void> {
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
