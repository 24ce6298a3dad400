import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LaunchRequest } from '../launcher.ts'
import { attemptSelector, CONTAINER } from './names.ts'
import { hasCluster, hostAddress, openCluster, requestOf, type TestCluster } from './testing/cluster.ts'

const isReady = hasCluster && hostAddress !== undefined
if (hasCluster && hostAddress === undefined)
  console.warn(
    'SKIPPED: the network policy from inside a pod. It needs TEST_KUBERNETES_CALLBACK_ADDRESS, an address of this machine that pods reach',
  )

const METADATA = ['169.254.169.254', 80] as const
const API_SERVER = ['kubernetes.default.svc.cluster.local', 443] as const
/** Where every pod of these tests listens. */
const POD_PORT = 8080
/** The network applies a policy some time after it was created. */
const WAIT = { timeout: 90_000, interval: 500 }

type Target = readonly [host: string, port: number]

/** Tries to connect to every target, again and again, and prints which ones answered. */
const probe = (targets: Readonly<Record<string, Target>>) => `
  const net = require('net')
  net.createServer((socket) => socket.end()).listen(${POD_PORT})
  const connects = (host, port) => new Promise((done) => {
    const socket = net.connect({ host, port })
    const end = (is) => { socket.destroy(); done(is) }
    socket.setTimeout(2000, () => end(false)).on('connect', () => end(true)).on('error', () => end(false))
  })
  ;(async () => { for (;;) {
    const entries = Object.entries(${JSON.stringify(targets)}).map(async ([name, [host, port]]) => [name, await connects(host, port)])
    console.log(JSON.stringify(Object.fromEntries(await Promise.all(entries))))
    await new Promise((done) => setTimeout(done, 500))
  } })()`

describe.skipIf(!isReady)('the network of a trainer’s pod', () => {
  const host = hostAddress ?? ''
  let cluster: TestCluster
  const closers: (() => void)[] = []
  /** Servers of this machine, on all of its addresses. */
  let ports: { callback: number; storage: number; added: number; other: number }
  beforeAll(async () => {
    ports = { callback: await serve(), storage: await serve(), added: await serve(), other: await serve() }
    cluster = await openCluster({ storageUrl: `http://${host}:${ports.storage}/bucket` })
  })
  afterAll(async () => {
    for await (const ref of cluster.launcher.list()) await cluster.launcher.remove(ref)
    await cluster.close()
    for (const close of closers) close()
  })

  async function serve(): Promise<number> {
    const server = createServer((_request, response) => response.end()).listen(0, host)
    closers.push(() => server.close())
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the server has no port')
    return address.port
  }

  const targets = (): Record<string, Target> => ({
    callback: [host, ports.callback],
    storage: [host, ports.storage],
    added: [host, ports.added],
    other: [host, ports.other],
    apiServer: API_SERVER,
    apiServerItself: apiServerItself(),
    metadata: METADATA,
  })
  const apiServerItself = (): Target => {
    const url = new URL(cluster.client.kubeConfig.getCurrentCluster()?.server ?? '')
    return [url.hostname, Number(url.port || 443)]
  }
  /** The last report of a pod's probe. */
  const reportOf = async (name: string): Promise<unknown> => {
    const { client, namespace } = cluster
    const text = await client.core
      .readNamespacedPodLog({ name, namespace, container: CONTAINER, tailLines: 1 })
      .catch(() => '')
    return text === '' ? undefined : JSON.parse(text)
  }
  const podOf = async (request: LaunchRequest) => {
    const { client, namespace, instance } = cluster
    const { items } = await client.core.listNamespacedPod({
      namespace,
      labelSelector: attemptSelector(instance, request),
    })
    return items[0]
  }
  const launchProbe = async (
    egress: readonly string[],
    more: Readonly<Record<string, Target>> = {},
  ): Promise<{ name: string; ip: string }> => {
    const request = requestOf(probe({ ...targets(), ...more }), {
      callbackUrl: `http://${host}:${ports.callback}/v1/jobs/1`,
    })
    await cluster.open({ egress }).launch(request)
    await expect.poll(async () => (await podOf(request))?.status?.podIP, WAIT).toBeDefined()
    const pod = await podOf(request)
    return { name: pod?.metadata?.name ?? '', ip: pod?.status?.podIP ?? '' }
  }
  /** A pod that no policy selects: it shows that a target answers those who may reach it. */
  const createUnlimited = async (name: string, program: string): Promise<{ name: string; ip: string }> => {
    const { client, namespace } = cluster
    await client.core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 0,
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: CONTAINER,
              image: process.env.TEST_KUBERNETES_IMAGE ?? '',
              command: ['node', '-e', program],
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            },
          ],
        },
      },
    })
    const ipOf = async () => (await client.core.readNamespacedPod({ name, namespace })).status?.podIP
    await expect.poll(ipOf, WAIT).toBeDefined()
    return { name, ip: (await ipOf()) ?? '' }
  }

  it('reaches callback and storage, and nothing else of the machine or the cluster', async () => {
    const unlimited = await createUnlimited('unlimited', probe(targets()))
    const open = { callback: true, storage: true, added: true, other: true, apiServer: true, apiServerItself: true }
    await expect.poll(() => reportOf(unlimited.name), WAIT).toMatchObject(open)
    const trainer = await launchProbe([])
    await expect
      .poll(() => reportOf(trainer.name), WAIT)
      .toEqual({
        callback: true,
        storage: true,
        added: false,
        other: false,
        apiServer: false,
        apiServerItself: false,
        metadata: false,
      })
  }, 240_000)

  it('also reaches an address and port in KUBERNETES_EGRESS, and no other port there', async () => {
    const trainer = await launchProbe([`${host}/32:${ports.added}`])
    await expect
      .poll(() => reportOf(trainer.name), WAIT)
      .toEqual({
        callback: true,
        storage: true,
        added: true,
        other: false,
        apiServer: false,
        apiServerItself: false,
        metadata: false,
      })
  }, 240_000)

  it('does not reach the API server or the metadata service, though KUBERNETES_EGRESS allows every address', async () => {
    const peer = await createUnlimited('peer', probe({}))
    const trainer = await launchProbe(['0.0.0.0/0'], { peer: [peer.ip, POD_PORT] })
    await expect
      .poll(() => reportOf(trainer.name), WAIT)
      .toMatchObject({
        peer: true,
        callback: true,
        storage: true,
        apiServer: false,
        apiServerItself: false,
        metadata: false,
      })
  }, 240_000)

  it('lets no other pod in', async () => {
    const trainer = await launchProbe([])
    const peer = await createUnlimited('listening', probe({}))
    const visitor = await createUnlimited(
      'visitor',
      probe({ peer: [peer.ip, POD_PORT], trainer: [trainer.ip, POD_PORT] }),
    )
    await expect.poll(() => reportOf(visitor.name), WAIT).toEqual({ peer: true, trainer: false })
  }, 240_000)
})
