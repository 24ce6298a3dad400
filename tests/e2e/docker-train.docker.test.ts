import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeMetric, type Job } from '@trainyard/sdk/contract'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { buildTrainer } from '../../scripts/lib/trainers.ts'
import { jobWhen, prepareDataset, TRAINER_DIR } from './prepare-training.ts'
import { type RunningServer, startServer, stopServer } from './server.ts'

const run = promisify(execFile)
const isThere = (...args: string[]): Promise<boolean> =>
  run('docker', args).then(
    () => true,
    () => false,
  )
const ready = (await isThere('version')) && (await isThere('image', 'inspect', 'node:24-bookworm-slim'))
if (!ready) {
  console.warn('SKIPPED: training in containers. It needs a Docker engine that holds node:24-bookworm-slim')
}

const TRAINER = 'trainyard/tfjs-classifier'
const LAUNCHER = { LAUNCHER: 'docker' }
const isOver = ({ state }: Job): boolean => !['pending', 'queued', 'running'].includes(state)
const hasEpoch = (epoch: number) => (job: Job) => (job.progress.epoch ?? 0) >= epoch

describe.skipIf(!ready)('training in containers', () => {
  let dir: string
  let server: RunningServer
  let datasetId: string
  let image: string
  let digest: string

  const docker = async (...args: string[]): Promise<string> =>
    (await run('docker', ['--config', join(dir, 'docker'), ...args], { maxBuffer: 16 * 1024 * 1024 })).stdout.trim()
  /** Of this server: other databases may use the same engine. */
  const ours = async (kind: 'container' | 'network' | 'volume', jobId: number): Promise<string[]> => {
    const all = kind === 'container' ? ['--all'] : []
    const names = await docker(kind, 'ls', ...all, '--quiet', '--filter', `label=dev.trainyard.job=${jobId}`)
    const lines = names.split('\n').filter((line) => line !== '')
    const mine: string[] = []
    for (const line of lines) {
      const text = await docker('inspect', '--type', kind, line).catch(() => '')
      if (text.includes(instance)) mine.push(line)
    }
    return mine
  }
  let instance = ''

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-docker-train-'))
    await buildTrainer(TRAINER_DIR)
    server = await startServer(join(dir, 'data'), 0, LAUNCHER)
    datasetId = await prepareDataset(server, dir)
    const { host } = new URL(server.url)
    image = `${host}/${TRAINER}:1.0.0`
    await docker('build', '--quiet', '--tag', image, TRAINER_DIR)
    await docker('login', host, '--username', 'local', '--password', server.pushToken)
    const pushed = await docker('push', image)
    digest = pushed.match(/digest: (sha256:[0-9a-f]{64})/)?.[1] ?? ''
    await vi.waitFor(
      async () => expect((await server.client.trainers.version(TRAINER, '1.0.0')).state).toBe('published'),
      { timeout: 120_000, interval: 200 },
    )
    await docker('logout', host)
    // Gone from the engine: it must come from our registry.
    await docker('rmi', '--force', image)
  }, 300_000)

  afterAll(async () => {
    await stopServer(server)
    const { host } = new URL(server.url)
    await docker('rmi', '--force', `${host}/${TRAINER}@${digest}`).catch(() => undefined)
    for (const volume of (await docker('volume', 'ls', '--quiet', '--filter', 'name=trainyard-datasets-')).split('\n'))
      if (instance !== '' && volume.endsWith(instance.slice(0, 8))) await docker('volume', 'rm', volume)
    await rm(dir, { recursive: true, force: true })
  })

  const create = (config: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<Job> =>
    server.client.jobs.create({ trainer: `${TRAINER}@^1`, dataset: datasetId, config, ...more })
  const containerOf = async (jobId: number, attempt = 1): Promise<string> => {
    const filters = [
      '--filter',
      `label=dev.trainyard.job=${jobId}`,
      '--filter',
      `label=dev.trainyard.attempt=${attempt}`,
    ]
    const found = await docker(
      'ps',
      '--all',
      '--quiet',
      ...filters,
      '--filter',
      `ancestor=${image.replace(/:1\.0\.0$/, '')}@${digest}`,
    )
    return found.split('\n')[0] ?? ''
  }

  test('pulls the trainer by its digest from our registry, and trains as well as anywhere', async () => {
    const { id } = await create({})
    const running = await jobWhen(server.client, id, hasEpoch(1), 'the first epoch')
    expect(running.state).toBe('running')
    const container = await containerOf(id)
    const seen = JSON.parse(await docker('inspect', container))[0]
    instance = seen.Config.Labels['dev.trainyard.instance']
    expect(seen.Config.Image).toContain(`@${digest}`)
    expect(seen.Config.Env.join('\n')).not.toContain('CALLBACK_TOKEN=')
    const job = await jobWhen(server.client, id, isOver, 'an end')
    expect(job).toMatchObject({ state: 'succeeded', endReason: 'completed', attempt: 1 })
    const metrics = job.result?.operation === 'train' ? job.result.metrics : {}
    expect(decodeMetric(metrics.test_accuracy ?? 0)).toBeGreaterThanOrEqual(0.93)
    const { artifacts } = await server.client.jobs.artifacts(id)
    expect(artifacts.map(({ kind }) => kind)).toContain('checkpoint')
    for (const kind of ['container', 'network', 'volume'] as const)
      await expect.poll(() => ours(kind, id), { timeout: 30_000 }).toEqual([])
  }, 300_000)

  test('a job that is cancelled stops within its grace and says so', async () => {
    const { id } = await create({ epochs: 500 })
    await jobWhen(server.client, id, hasEpoch(1), 'the first epoch')
    await server.client.jobs.cancel(id)
    const job = await jobWhen(server.client, id, isOver, 'an end')
    expect(job).toMatchObject({ state: 'cancelled', endReason: 'cancelled_by_user' })
    await expect.poll(() => ours('container', id), { timeout: 60_000 }).toEqual([])
  }, 200_000)

  test('the container goes on when the platform is killed, and the next one adopts it', async () => {
    const { id } = await create({ epochs: 12, seed: 1 })
    await jobWhen(server.client, id, hasEpoch(2), 'the second epoch')
    const container = await containerOf(id)
    const port = Number(new URL(server.url).port)
    server.process.kill('SIGKILL')
    expect(await server.ended).toBe('SIGKILL')
    expect(JSON.parse(await docker('inspect', container))[0].State.Running).toBe(true)
    server = await startServer(join(dir, 'data'), port, LAUNCHER)
    const job = await jobWhen(server.client, id, isOver, 'an end')
    expect(job).toMatchObject({ state: 'succeeded', endReason: 'completed', attempt: 1 })
    expect(JSON.stringify((await server.client.jobs.events(id)).events.map((event) => event.type))).toMatch(/completed/)
  }, 300_000)

  test('a container that somebody removes is a lost attempt, and the job begins another', async () => {
    const { id } = await create({ epochs: 500 })
    await jobWhen(server.client, id, hasEpoch(1), 'the first epoch')
    await docker('rm', '--force', await containerOf(id))
    const again = await jobWhen(server.client, id, ({ attempt }) => attempt === 2, 'a second attempt')
    expect(again.error?.message).toMatch(/gone and left no exit code/)
    await jobWhen(server.client, id, ({ state }) => state === 'running', 'running again')
    await server.client.jobs.cancel(id)
    await jobWhen(server.client, id, isOver, 'an end')
  }, 300_000)

  test('a job that needs more memory than its container has ends as out of memory', async () => {
    // The manifest asks for 1 GiB; a batch alone is more than that after the first layer.
    const { id } = await create({ imgsz: 256, batch: 1024 })
    const job = await jobWhen(server.client, id, isOver, 'an end')
    expect(job).toMatchObject({ state: 'failed', endReason: 'out_of_memory', attempt: 1 })
    expect(job.error?.message).toMatch(/memory/i)
    for (const kind of ['container', 'network', 'volume'] as const)
      await expect.poll(() => ours(kind, id), { timeout: 30_000 }).toEqual([])
  }, 300_000)
})
