import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'

export interface FlakyProxy {
  /** Leads to the same cluster, through the proxy. */
  kubeconfig: string
  /** Resets every connection, as a crashed machine would. */
  resetAll(): void
  /** Resets every connection and refuses new ones. */
  goAway(): void
  comeBack(): void
  close(): Promise<void>
}

/** A TCP proxy in front of the API server, so that only the test's own launcher loses the connection. */
export async function startFlakyProxy(kubeConfig: KubeConfig): Promise<FlakyProxy> {
  const cluster = kubeConfig.getCurrentCluster()
  if (cluster === null) throw new Error('the kubeconfig has no current cluster')
  const target = new URL(cluster.server)
  const sockets = new Set<Socket>()
  let isAway = false
  const resetAll = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const server = createServer((client) => {
    if (isAway) return void client.resetAndDestroy()
    const upstream = connect(Number(target.port || 443), target.hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const through = new KubeConfig()
  through.loadFromString(kubeConfig.exportConfig())
  const clusters = through.clusters.map((entry) => ({ ...entry, server: `https://127.0.0.1:${port}` }))
  through.loadFromOptions({ ...through, clusters })
  return {
    kubeconfig: through.exportConfig(),
    resetAll,
    goAway() {
      isAway = true
      resetAll()
    },
    comeBack() {
      isAway = false
    },
    async close() {
      resetAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
