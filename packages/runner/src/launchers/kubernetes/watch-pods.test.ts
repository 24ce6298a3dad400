import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { KubeConfig } from '@kubernetes/client-node'
import { createLogger } from '@trainyard/platform'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createKubernetesClient, type KubernetesClient } from './client.ts'
import { PodWatch } from './watch-pods.ts'

const logger = createLogger({ name: 'test', level: 'silent' })
const podNamed = (name: string, resourceVersion: string, uid = name) => ({
  metadata: { name, uid, resourceVersion, labels: { 'batch.kubernetes.io/job-name': name } },
})

/** A scripted API server. */
let server: Server
let client: KubernetesClient
let watch: PodWatch | undefined
let pods: ReturnType<typeof podNamed>[] = []
const lists: URLSearchParams[] = []
const watches: { query: URLSearchParams; response: ServerResponse }[] = []

beforeEach(async () => {
  lists.length = 0
  watches.length = 0
  pods = [podNamed('a', '5')]
  server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://x').searchParams
    response.setHeader('content-type', 'application/json')
    if (query.get('watch') === 'true') {
      response.flushHeaders()
      watches.push({ query, response })
      return
    }
    lists.push(query)
    // One pod on each page.
    const at = Number(query.get('continue') ?? 0)
    const next = at + 1 < pods.length ? String(at + 1) : undefined
    response.end(
      JSON.stringify({
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: { resourceVersion: '10', continue: next },
        items: pods.slice(at, at + 1),
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const kubeConfig = new KubeConfig()
  const port = typeof address === 'object' ? address?.port : 0
  kubeConfig.loadFromClusterAndUser(
    { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'u', token: 't' },
  )
  client = createKubernetesClient({ kubeConfig })
})
afterEach(async () => {
  watch?.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

const start = (relistMs?: number) => {
  watch = new PodWatch({ client, namespace: 'n', selector: 's', logger, relistMs })
  return watch
}
const nextWatch = async (index: number) => {
  await expect.poll(() => watches.length, { timeout: 15_000 }).toBeGreaterThan(index)
  const one = watches[index]
  if (one === undefined) throw new Error('no watch was opened')
  const send = (type: string, object: unknown) => one.response.write(`${JSON.stringify({ type, object })}\n`)
  return { ...one, send }
}

it('lists every page, watches from there on, and applies the changes', async () => {
  pods = [podNamed('a', '5'), podNamed('b', '6')]
  const seen = start()
  const { query, send } = await nextWatch(0)
  expect(lists).toHaveLength(2)
  expect(Object.fromEntries(query)).toMatchObject({
    resourceVersion: '10',
    allowWatchBookmarks: 'true',
    labelSelector: 's',
  })
  expect(Number(query.get('timeoutSeconds'))).toBeGreaterThan(0)
  send('ADDED', podNamed('c', '11'))
  send('DELETED', podNamed('a', '12'))
  // An older pod of the same Job: the newer one stays.
  send('DELETED', podNamed('b', '13', 'older'))
  await expect.poll(() => [seen.find('a'), seen.find('b'), seen.find('c')].map(Boolean)).toEqual([false, true, true])
})

it('continues from the last version, including a bookmark’s, when a watch ends or breaks', async () => {
  start()
  const first = await nextWatch(0)
  first.send('BOOKMARK', { metadata: { resourceVersion: '99' } })
  await new Promise((resolve) => setTimeout(resolve, 100))
  first.response.end()
  const second = await nextWatch(1)
  expect(second.query.get('resourceVersion')).toBe('99')
  second.response.destroy()
  expect((await nextWatch(2)).query.get('resourceVersion')).toBe('99')
  expect(lists).toHaveLength(1)
})

it('lists again when its version has expired', async () => {
  const seen = start()
  const { send, response } = await nextWatch(0)
  pods = [podNamed('z', '50')]
  send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })
  response.end()
  await nextWatch(1)
  expect(lists).toHaveLength(2)
  expect([seen.find('a'), seen.find('z')].map(Boolean)).toEqual([false, true])
})

it('lists all pods again periodically, whatever the watch reported', async () => {
  start(1)
  const { response } = await nextWatch(0)
  await new Promise((resolve) => setTimeout(resolve, 20))
  response.end()
  await nextWatch(1)
  expect(lists).toHaveLength(2)
})
