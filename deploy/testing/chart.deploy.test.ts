/**
 * Installs the chart on a real cluster of one node: `npm test -- --project deploy`. It needs KUBECONFIG, TEST_NODE_ADDRESS (of the
 * node, whose NodePorts 30760 to 30762 are free, and from which the node pulls over plain HTTP), Helm 3.16 or newer (HELM_PATH),
 * Docker, and on the node the images trainyard/platform:0.1.0 and :0.1.1, postgres:17 and minio/minio.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../../scripts/lib/run.ts'
import { canConnect, helm, kubectl, until } from './cluster.ts'
import { createJob, endOf, prepareTraining, pushedVersion, type Ready } from './first-training.ts'

const { KUBECONFIG, TEST_NODE_ADDRESS: node } = process.env
const isHere = KUBECONFIG !== undefined && node !== undefined
if (!isHere)
  console.warn(
    'SKIPPED: the chart on a cluster. Set KUBECONFIG, TEST_NODE_ADDRESS and HELM_PATH: see the head of chart.deploy.test.ts',
  )

const NAMESPACE = 'trainyard-chart-test'
const TRAINERS = `${NAMESPACE}-trainers`
const RELEASE = 'ty'
const CHART = join(ROOT, 'deploy/helm/trainyard')
const [OLD, NEW] = ['0.1.0', '0.1.1']
const registryUrl = `http://${node}:30760`
const runnerUrl = `http://${node}:30761`
const pagesUrl = `http://${node}:30762`
const settings = (tag: string) => [
  '--values',
  join(ROOT, 'deploy/testing/lab-values.yaml'),
  '--set',
  `image.tag=${tag},publicUrl=${registryUrl},runner.trainers.namespace=${TRAINERS}`,
  '--wait',
  '--timeout',
  '5m',
]
const inRelease = (...args: string[]) => helm('--namespace', NAMESPACE, ...args)
const podOf = async (component: string) =>
  await kubectl(
    '-n',
    NAMESPACE,
    'get',
    'pod',
    '-l',
    `app.kubernetes.io/component=${component}`,
    '-o',
    'jsonpath={.items[0].metadata.name}',
  )

describe.skipIf(!isHere)('the chart on a cluster', { timeout: 600_000 }, () => {
  let ready: Ready
  const dirs: string[] = []

  async function forget() {
    await kubectl('delete', 'namespace', NAMESPACE, TRAINERS, '--ignore-not-found', '--wait')
  }

  beforeAll(async () => {
    await forget()
    await kubectl('create', 'namespace', NAMESPACE)
    await kubectl('label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted')
    await inRelease('install', RELEASE, CHART, ...settings(OLD))
  }, 600_000)
  afterAll(async () => {
    await forget()
    for (const dir of dirs) await rm(dir, { recursive: true, force: true })
  }, 300_000)

  it('passes its own test', async () => {
    expect(await inRelease('test', RELEASE)).toContain('Succeeded')
  })

  it('lets the operator sign up, and a trainer be pushed, checked, trained in a pod, and read on a page', async () => {
    const printed = await kubectl(
      '-n',
      NAMESPACE,
      'exec',
      `deployment/${RELEASE}-runner`,
      '--',
      'trainyard-platform',
      'runner',
      'setup-secret',
    )
    const setupSecret = /setup=(\S+)/.exec(printed)?.[1] ?? ''
    const dir = await mkdtemp(join(tmpdir(), 'chart-test-'))
    dirs.push(dir)
    // Docker pushes over plain HTTP to this machine only.
    const pushUrl = 'http://127.0.0.1:30760'
    ready = await prepareTraining({ registryUrl, runnerUrl, pushUrl, setupSecret, dir })
    const { state, checks } = await pushedVersion(ready)
    expect(state).toBe('published')
    expect(checks.filter(({ status }) => status === 'passed').map((check) => check.name)).toEqual(
      expect.arrayContaining(['manifest', 'image', 'secrets']),
    )

    const job = await createJob(ready)
    expect(await kubectlJobs()).toBeGreaterThan(0)
    const ended = await endOf(ready, job)
    expect(ended.state, ended.endReason).toBe('succeeded')

    const headers = { cookie: `trainyard_session=${ready.token}` }
    const page = await fetch(`${pagesUrl}/jobs/${job}`, { headers })
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('succeeded')
  })

  it('refuses connections that no one needs, and keeps those that are needed', async () => {
    const [web, registry] = [await podOf('web'), await podOf('registry')]
    const database = `${RELEASE}-postgresql`
    expect(await canConnect(NAMESPACE, registry, database, 5432)).toBe(true)
    expect(await canConnect(NAMESPACE, web, `${RELEASE}-registry`, 7600)).toBe(true)
    const address = await kubectl('-n', NAMESPACE, 'get', 'service', database, '-o', 'jsonpath={.spec.clusterIP}')
    expect(await canConnect(NAMESPACE, web, address, 5432)).toBe(false)
    expect(await canConnect(NAMESPACE, web, node ?? '', 9643)).toBe(false)
    expect(await canConnect(NAMESPACE, registry, node ?? '', 9643)).toBe(false)
  })

  it('loses nothing in an upgrade and a rollback under load', async () => {
    const load = startLoad()
    const jobs = [await createJob(ready)]
    await inRelease('upgrade', RELEASE, CHART, ...settings(NEW))
    jobs.push(await createJob(ready))
    await inRelease('rollback', RELEASE, '1', '--wait', '--timeout', '5m')
    jobs.push(await createJob(ready))
    const { requests, failures } = await load.stop()
    expect(failures).toEqual([])
    expect(requests).toBeGreaterThan(100)
    for (const job of jobs) expect((await endOf(ready, job)).state).toBe('succeeded')
  })

  async function kubectlJobs(): Promise<number> {
    return await until('a Job of Kubernetes', 60, async () => {
      const names = await kubectl('-n', TRAINERS, 'get', 'jobs', '-o', 'name')
      return names === '' ? undefined : names.split('\n').length
    })
  }

  /** Asks every server ten times a second, each request over a connection of its own. */
  function startLoad() {
    const urls = [`${registryUrl}/v1/trainers`, `${runnerUrl}/v1/jobs`, `${pagesUrl}/sign-in`]
    const failures: string[] = []
    let requests = 0
    let isOn = true
    const ask = async (url: string) => {
      while (isOn) {
        try {
          const response = await fetch(url, {
            headers: { authorization: `Bearer ${ready.token}`, connection: 'close' },
          })
          await response.arrayBuffer()
          if (!response.ok) failures.push(`${url}: ${response.status}`)
        } catch (error) {
          failures.push(`${url}: ${error instanceof Error ? (error.cause ?? error) : error}`)
        }
        requests++
        await sleep(100)
      }
    }
    const work = urls.map(ask)
    return {
      async stop() {
        isOn = false
        await Promise.all(work)
        return { requests, failures }
      },
    }
  }
})
