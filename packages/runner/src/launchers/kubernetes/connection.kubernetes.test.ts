import { setTimeout as sleep } from 'node:timers/promises'
import { KubeConfig } from '@kubernetes/client-node'
import { createLogger } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Launcher } from '../launcher.ts'
import { createKubernetesClient, type KubernetesClient } from './client.ts'
import { instanceSelector } from './names.ts'
import { hasCluster, openCluster, requestOf, type TestCluster } from './testing/cluster.ts'
import { type FlakyProxy, startFlakyProxy } from './testing/flaky-proxy.ts'
import { readUntil, waitForState } from './testing/waiting.ts'
import { PodWatch } from './watch-pods.ts'

/** How long the API server is unavailable. Trainers keep running meanwhile. */
const AWAY_MS = Number(process.env.TEST_AWAY_MS ?? 12_000)

describe.skipIf(!hasCluster)('with an unreliable connection to the API server', () => {
  let cluster: TestCluster
  let proxy: FlakyProxy
  let client: KubernetesClient
  let launcher: Launcher
  beforeAll(async () => {
    cluster = await openCluster()
    proxy = await startFlakyProxy(cluster.client.kubeConfig)
    const kubeConfig = new KubeConfig()
    kubeConfig.loadFromString(proxy.kubeconfig)
    client = createKubernetesClient({ kubeConfig })
    launcher = cluster.open({}, client)
  })
  afterAll(async () => {
    for await (const ref of cluster.launcher.list()) await cluster.launcher.remove(ref)
    await cluster.close()
    await proxy.close()
  })

  const counting = (count: number, everyMs: number) =>
    `let i = 0; const t = setInterval(() => { console.log('line ' + i); if (++i === ${count}) { clearInterval(t); console.log('the end') } }, ${everyMs}); setInterval(() => {}, 1000)`
  const numbers = (lines: readonly { text: string }[]) =>
    lines.filter(({ text }) => text.startsWith('line')).map(({ text }) => Number(text.split(' ')[1]))

  it('no line is lost or repeated after resets, and the watch continues', async () => {
    const request = requestOf(counting(200, 25))
    await launcher.launch(request)
    await waitForState(launcher, request, ['running'])
    const resets = setInterval(() => proxy.resetAll(), 700)
    try {
      const lines = await readUntil(launcher, request, 'the end')
      expect(numbers(lines)).toEqual(Array.from({ length: 200 }, (_, index) => index))
    } finally {
      clearInterval(resets)
    }
    await launcher.stop(request, 1000)
    expect(await launcher.observe(request)).toMatchObject({ state: 'exited', exitCode: 143 })
  })

  it('a watch reports what happened while it was disconnected', async () => {
    const logger = createLogger({ name: 'test', level: 'silent' })
    const { namespace } = cluster
    const watch = new PodWatch({ client, namespace, selector: instanceSelector(cluster.instance), logger })
    try {
      const request = requestOf('setInterval(() => {}, 1000)')
      await expect.poll(() => watch.counts.watches, { timeout: 20_000 }).toBeGreaterThan(0)
      proxy.goAway()
      await cluster.launcher.launch(request)
      await waitForState(cluster.launcher, request, ['running'])
      // The client library times out after 30 seconds.
      await expect.poll(() => watch.counts.failures, { timeout: 45_000 }).toBeGreaterThan(0)
      proxy.comeBack()
      const name = `trainyard-${cluster.instance}-${request.jobId}-1`
      await expect.poll(() => watch.find(name)?.status?.phase, { timeout: 45_000 }).toBe('Running')
      proxy.resetAll()
      await cluster.launcher.remove(request)
      await expect.poll(() => watch.find(name), { timeout: 45_000 }).toBeUndefined()
    } finally {
      proxy.comeBack()
      watch.close()
    }
  }, 180_000)

  it('a trainer counts as running while the server is unavailable, and its output is complete afterwards', async () => {
    const request = requestOf(counting(100, 200))
    await launcher.launch(request)
    await waitForState(launcher, request, ['running'])
    await expect
      .poll(async () => (await launcher.logs(request, { stdout: 0, stderr: 0 })).lines.length)
      .toBeGreaterThan(0)
    proxy.goAway()
    const other = requestOf('process.exit(0)')
    try {
      const endsAt = performance.now() + AWAY_MS
      const launched = launcher.launch(other)
      launched.catch(() => {})
      while (performance.now() < endsAt) {
        expect(await launcher.observe(request)).toEqual({ state: 'running' })
        await sleep(500)
      }
      await expect(launched).rejects.toThrow()
      // Its state is not known: an error, and not an end.
      await expect(launcher.observe(other)).rejects.toThrow()
    } finally {
      proxy.comeBack()
    }
    const lines = await readUntil(launcher, request, 'the end')
    expect(numbers(lines)).toEqual(Array.from({ length: 100 }, (_, index) => index))
    await launcher.launch(other)
    expect(await waitForState(launcher, other, ['exited'])).toMatchObject({ exitCode: 0 })
  }, 180_000)
})
