import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findProcesses } from '../../testing/processes.ts'
import type { AttemptRef, LaunchRequest } from '../launcher.ts'
import { ignoringNotFound } from './client.ts'
import { attemptLabels, attemptName, attemptSelector } from './names.ts'
import { hasCluster, openCluster, requestOf, type TestCluster } from './testing/cluster.ts'
import { killKubelet } from './testing/cluster-servers.ts'
import { waitForState } from './testing/waiting.ts'

const FOREVER = `console.log('ready'); setInterval(() => {}, 1000)`

describe.skipIf(!hasCluster)('faults of pods and nodes', () => {
  let cluster: TestCluster
  beforeAll(async () => {
    cluster = await openCluster({ imagePullTimeoutSeconds: 4, scheduleTimeoutSeconds: 4, nodeLostSeconds: 3 })
  })
  afterAll(async () => {
    for await (const ref of cluster.launcher.list()) await cluster.launcher.remove(ref)
    await cluster.close()
  })

  const start = async (program: string, over: Partial<LaunchRequest> = {}): Promise<AttemptRef> => {
    const request = requestOf(program, over)
    await cluster.launcher.launch(request)
    return request
  }
  const pod = async (ref: AttemptRef) => {
    const labelSelector = attemptSelector(cluster.instance, ref)
    return (await cluster.client.core.listNamespacedPod({ namespace: cluster.namespace, labelSelector })).items[0]
  }

  it('a trainer above its memory limit ends as out of memory', async () => {
    const ref = await start(`const all = []; for (;;) all.push(Buffer.alloc(8e6, 1))`)
    const end = await waitForState(cluster.launcher, ref, ['exited'])
    expect(end).toMatchObject({ reason: 'out_of_memory', exitCode: 137, detail: expect.stringContaining('112Mi') })
  })

  it('a child above the memory limit ends the attempt as out of memory, whatever the trainer’s exit code', async () => {
    const child = `const all = []; for (;;) all.push(Buffer.alloc(8e6, 1))`
    const ref = await start(
      `require('child_process').spawnSync('node', ['-e', ${JSON.stringify(child)}]); process.exit(1)`,
    )
    expect(await waitForState(cluster.launcher, ref, ['exited'])).toMatchObject({ reason: 'out_of_memory' })
  })

  it('a trainer above its disk limit ends as storage limit', async () => {
    const ref = await start(
      `require('fs').writeFileSync(process.env.WORK_DIR + '/big', Buffer.alloc(80e6, 1)); setInterval(() => {}, 1000)`,
      { resources: { diskGb: 0.02 } },
    )
    const end = await waitForState(cluster.launcher, ref, ['exited'])
    expect(end).toMatchObject({ reason: 'storage_limit', detail: expect.stringMatching(/exceed/i) })
  })

  it('an image that cannot be pulled is pending, then fails with the last event', async () => {
    const reference = `127.0.0.1:1/no/image@sha256:${'0'.repeat(64)}`
    const ref = await start('', { trainer: { type: 'image', reference } })
    expect(await waitForState(cluster.launcher, ref, ['pending', 'exited'])).toMatchObject({ state: 'pending' })
    const end = await waitForState(cluster.launcher, ref, ['exited'])
    expect(end).toMatchObject({ reason: 'image_pull_failed', detail: expect.stringMatching(/Failed.*no\/image/) })
  })

  it('a pod that no node can run is pending, then fails with the last event', async () => {
    const ref = await start('', { resources: { cpu: 1000 } })
    expect(await waitForState(cluster.launcher, ref, ['pending', 'exited'])).toMatchObject({ state: 'pending' })
    const end = await waitForState(cluster.launcher, ref, ['exited'])
    expect(end).toMatchObject({ reason: 'unschedulable', detail: expect.stringMatching(/Insufficient cpu/) })
  })

  it('a pod that was deleted by hand counts as lost, and its retry does not count', async () => {
    const ref = await start(FOREVER)
    await waitForState(cluster.launcher, ref, ['running'])
    const name = (await pod(ref))?.metadata?.name ?? ''
    await cluster.client.core.deleteNamespacedPod({ name, namespace: cluster.namespace, gracePeriodSeconds: 1 })
    expect(await waitForState(cluster.launcher, ref, ['exited'])).toMatchObject({
      reason: 'node_lost',
      detail: expect.stringContaining('outside'),
    })
  })

  it('a pod that was evicted through the API counts as preempted', async () => {
    const ref = await start(FOREVER)
    await waitForState(cluster.launcher, ref, ['running'])
    const name = (await pod(ref))?.metadata?.name ?? ''
    const { namespace } = cluster
    await cluster.client.core.createNamespacedPodEviction({
      name,
      namespace,
      body: { metadata: { name, namespace }, deleteOptions: { gracePeriodSeconds: 1 } },
    })
    const end = await waitForState(cluster.launcher, ref, ['exited'])
    // The reason is known only if the pod is observed before it is gone.
    expect(['preempted', 'node_lost']).toContain(end.reason)
  })

  it('a pod that is stopped before its start never starts', async () => {
    const ref = await start('', { resources: { cpu: 1000 } })
    await cluster.launcher.stop(ref, 30_000)
    expect(await cluster.launcher.observe(ref)).toMatchObject({ state: 'exited', reason: 'killed' })
    const job = await cluster.client.batch.readNamespacedJob({
      name: attemptName(cluster.instance, ref),
      namespace: cluster.namespace,
    })
    expect(job.spec?.suspend).toBe(true)
  })

  it('the next runner reads how a trainer ended whose runner died while it stopped it', async () => {
    const ref = await start(
      `process.on('SIGTERM', () => setTimeout(() => process.exit(77), 3000)); console.log('ready'); setInterval(() => {}, 1000)`,
    )
    await waitForState(cluster.launcher, ref, ['running'])
    await sleep(500)
    const first = cluster.open()
    const stopping = first.stop(ref, 20_000)
    await expect.poll(async () => (await pod(ref))?.metadata?.deletionTimestamp, { timeout: 20_000 }).toBeDefined()
    const next = cluster.open()
    await next.stop(ref, 20_000)
    expect(await next.observe(ref)).toMatchObject({ state: 'exited', exitCode: 77 })
    await stopping
    // Our finalizer is removed. The Job controller removes its own when it has counted the pod.
    await expect.poll(() => pod(ref), { timeout: 30_000 }).toBeUndefined()
  })

  it('what an interrupted launch left behind is listed, reused and removed', async () => {
    const request = requestOf('console.log(1)')
    const name = attemptName(cluster.instance, request)
    const { namespace } = cluster
    await cluster.client.core.createNamespacedSecret({
      namespace,
      body: { metadata: { name, labels: attemptLabels(cluster.instance, request) }, stringData: { token: 'first' } },
    })
    const listed: AttemptRef[] = []
    for await (const ref of cluster.launcher.list()) listed.push(ref)
    expect(listed).toContainEqual({ jobId: request.jobId, attempt: 1 })
    expect(await cluster.launcher.observe(request)).toEqual({ state: 'absent' })
    await cluster.launcher.launch(request)
    expect(await waitForState(cluster.launcher, request, ['exited'])).toMatchObject({ exitCode: 0 })
    const secret = await cluster.client.core.readNamespacedSecret({ name, namespace })
    expect(secret.metadata?.ownerReferences).toMatchObject([{ kind: 'Job', name, controller: true }])
    await cluster.launcher.remove(request)
    expect(await ignoringNotFound(() => cluster.client.core.readNamespacedSecret({ name, namespace }))).toBeUndefined()
    expect(
      await ignoringNotFound(() => cluster.client.networking.readNamespacedNetworkPolicy({ name, namespace })),
    ).toBeUndefined()
  })

  it('a Job with the same name and other labels is rejected', async () => {
    const request = requestOf('')
    const name = attemptName(cluster.instance, request)
    const spec = {
      suspend: true,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'x', image: 'x' }] } },
    }
    await cluster.client.batch.createNamespacedJob({
      namespace: cluster.namespace,
      body: { metadata: { name, labels: { 'trainyard.dev/job': 'other' } }, spec },
    })
    await expect(cluster.launcher.launch(request)).rejects.toThrow(/label.*expected/)
  })

  // The last test, because it takes the node away.
  it('a node whose kubelet was killed counts as lost, and the attempt is removed without its confirmation', async () => {
    const ref = await start(FOREVER)
    await waitForState(cluster.launcher, ref, ['running'])
    const name = (await pod(ref))?.metadata?.name ?? ''
    const trainers = async () => await findProcesses((variables) => variables.includes(`HOSTNAME=${name}`))
    const comeBack = await killKubelet()
    if (comeBack === undefined)
      return void console.warn('SKIPPED: a killed kubelet. The kubelet must be a process of this machine')
    try {
      const end = await waitForState(cluster.launcher, ref, ['exited'])
      expect(end).toMatchObject({ reason: 'node_lost' })
      expect((await cluster.launcher.logs(ref, { stdout: 0, stderr: 0 }, { final: true })).lines).toEqual([])
      await cluster.launcher.remove(ref)
      expect(await cluster.launcher.observe(ref)).toEqual({ state: 'absent' })
      // Containers outlive the kubelet. The trainer may still run, but its token is refused.
      expect(await trainers()).not.toEqual([])
    } finally {
      await comeBack()
    }
    await expect.poll(isNodeReady, { timeout: 60_000, interval: 500 }).toBe(true)
    await expect.poll(trainers, { timeout: 60_000, interval: 500 }).toEqual([])
  }, 200_000)

  const isNodeReady = async () => {
    const { items } = await cluster.client.core.listNode()
    return items.every(
      ({ status, spec }) =>
        status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') && !spec?.taints?.length,
    )
  }
})
