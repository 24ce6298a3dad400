import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Job } from '@trainyard/contract'
import { listCache } from '@trainyard/datasets/cache'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKubernetesClient, ignoringNotFound } from '../../packages/runner/src/launchers/kubernetes/client.ts'
import { hasChromium, launchChromium } from '../../packages/web/src/testing/browser.ts'
import { ROOT } from '../../scripts/lib/run.ts'
import { jobWhen, prepareDataset } from './prepare-training.ts'
import { type RunningServer, startServer, stopServer } from './server.ts'
import { canBuildImages, dockerIn, expectTrained, hasEpoch, isOver, publishImage, TRAINER } from './trainer-image.ts'

const { KUBECONFIG: kubeconfig, LAB_HOST_IP } = process.env
/** Pods reach this machine there. */
const callbackAddress = process.env.TEST_KUBERNETES_CALLBACK_ADDRESS ?? LAB_HOST_IP
const ready = kubeconfig !== undefined && callbackAddress !== undefined && (await canBuildImages())
if (!ready)
  console.warn(
    'SKIPPED: training in pods. It needs KUBECONFIG, TEST_KUBERNETES_CALLBACK_ADDRESS (an address of this machine that pods ' +
      'reach) and a Docker engine that holds node:24-bookworm-slim',
  )

describe.skipIf(!ready)('training in pods', () => {
  const namespace = `trainyard-e2e-${randomUUID().slice(0, 8)}`
  const { core, batch } = createKubernetesClient(kubeconfig === undefined ? {} : { kubeconfig })
  const env: Record<string, string | undefined> = {
    LAUNCHER: 'kubernetes',
    REGISTRY_IMAGE_RUNS: '0',
    KUBERNETES_NAMESPACE: namespace,
    KUBERNETES_CALLBACK_ADDRESS: callbackAddress,
    KUBERNETES_DATASET_CACHE_CLAIM: 'datasets',
    // The machine is shared: epochs must be long enough to be seen, and silence is not yet death.
    START_TIMEOUT_SECONDS: '300',
  }
  let dir: string
  let cacheDir: string
  let server: RunningServer
  let datasetId: string
  let image: string
  let digest: string
  let docker: ReturnType<typeof dockerIn>

  const podOf = async (jobId: number) => {
    const labelSelector = `trainyard.dev/job=${jobId}`
    return (await core.listNamespacedPod({ namespace, labelSelector })).items[0]
  }
  const nothingLeft = async (jobId: number) => {
    const labelSelector = `trainyard.dev/job=${jobId}`
    const jobs = await batch.listNamespacedJob({ namespace, labelSelector })
    const secrets = await core.listNamespacedSecret({ namespace, labelSelector })
    return jobs.items.length + secrets.items.length
  }

  /** The only node is this machine: pods and runner share a folder of it, as they share a network's elsewhere. */
  const claimFolder = async (path: string) => {
    const capacity = { storage: '1Gi' }
    const accessModes = ['ReadWriteMany']
    const volume = { capacity, accessModes, storageClassName: '', hostPath: { path } }
    await core.createPersistentVolume({
      body: { metadata: { name: namespace }, spec: { ...volume, claimRef: { namespace, name: 'datasets' } } },
    })
    const claim = { accessModes, storageClassName: '', volumeName: namespace, resources: { requests: capacity } }
    await core.createNamespacedPersistentVolumeClaim({
      namespace,
      body: { metadata: { name: 'datasets' }, spec: claim },
    })
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-pod-train-'))
    docker = dockerIn(dir)
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
    await core.createNamespace({ body: { metadata: { name: namespace, labels } } })
    cacheDir = join(dir, 'datasets')
    await mkdir(cacheDir)
    await claimFolder(cacheDir)
    env.DATASET_CACHE_DIR = cacheDir
    server = await startServer(join(dir, 'data'), 0, env)
    datasetId = await prepareDataset(server, dir)
    ;({ image, digest } = await publishImage(server, docker))
  }, 300_000)

  afterAll(async () => {
    if (server !== undefined) await stopServer(server)
    await docker('rmi', '--force', image).catch(() => undefined)
    await ignoringNotFound(() => core.deleteNamespace({ name: namespace }))
    await ignoringNotFound(() => core.deletePersistentVolume({ name: namespace }))
    await rm(dir, { recursive: true, force: true })
  })

  const create = (config: Record<string, unknown>): Promise<Job> =>
    server.client.jobs.create({
      trainer: `${TRAINER}@^1`,
      dataset: datasetId,
      config,
      name: 'Handwritten digits, in a pod',
    })

  test('the node pulls the trainer by its digest from our registry, and trains as well as any machine', async () => {
    const { id } = await create({})
    await jobWhen(server.client, id, hasEpoch(1), 'the first epoch')
    const pod = await podOf(id)
    expect(pod?.spec?.containers[0]?.image).toBe(`${new URL(server.url).host}/${TRAINER}@${digest}`)
    expect(pod?.status?.containerStatuses?.[0]?.imageID).toContain(digest)
    // It reads what the runner has filled.
    expect(await listCache(cacheDir)).toMatchObject([{ state: 'complete', users: 1 }])
    if (hasChromium()) {
      await jobWhen(server.client, id, hasEpoch(3), 'the third epoch')
      const browser = await launchChromium()
      const page = await browser.newPage({ viewport: { width: 1200, height: 1000 } })
      await page.goto(server.link)
      await page.goto(`${server.url}/jobs/${id}`)
      await page.getByText('Handwritten digits, in a pod').first().waitFor()
      await page.locator('.uplot canvas').first().waitFor()
      if (process.env.DOCS_PICTURES !== undefined)
        await page.screenshot({ path: join(ROOT, 'docs/images/job-page-kubernetes.png') })
      await browser.close()
    }
    const job = await jobWhen(server.client, id, isOver, 'an end')
    await expectTrained(server, job)
    await expect.poll(() => nothingLeft(id), { timeout: 30_000 }).toBe(0)
  }, 300_000)

  test('a cancelled job stops within its grace period and reports it', async () => {
    const { id } = await create({ epochs: 500 })
    await jobWhen(server.client, id, hasEpoch(1), 'the first epoch')
    await server.client.jobs.cancel(id)
    const job = await jobWhen(server.client, id, isOver, 'an end')
    expect(job).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
    await expect.poll(() => nothingLeft(id), { timeout: 60_000 }).toBe(0)
  }, 200_000)

  test('the pod goes on when the platform is killed, and the next one adopts it', async () => {
    const { id } = await create({ epochs: 12, seed: 1 })
    await jobWhen(server.client, id, hasEpoch(2), 'the second epoch')
    const uid = (await podOf(id))?.metadata?.uid
    const port = Number(new URL(server.url).port)
    server.process.kill('SIGKILL')
    expect(await server.ended).toBe('SIGKILL')
    expect((await podOf(id))?.status?.phase).toBe('Running')
    server = await startServer(join(dir, 'data'), port, env)
    await jobWhen(server.client, id, hasEpoch(5), 'the fifth epoch')
    expect((await podOf(id))?.metadata?.uid ?? uid).toBe(uid)
    const job = await jobWhen(server.client, id, isOver, 'an end')
    expect(job).toMatchObject({ state: 'succeeded', endReason: 'completed', attempt: 1 })
    const { events } = await server.client.jobs.events(id)
    const types = events.map(({ type }) => type)
    expect(types.filter((type) => type === 'started' || type === 'completed')).toEqual(['started', 'completed'])
  }, 300_000)
})
