import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Job } from '@trainyard/contract'
import { listCache } from '@trainyard/datasets/cache'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobWhen, prepareDataset } from './prepare-training.ts'
import { type RunningServer, startServer, stopServer } from './server.ts'
import { canBuildImages, dockerIn, expectTrained, hasEpoch, isOver, publishImage, TRAINER } from './trainer-image.ts'

const ready = await canBuildImages()
if (!ready) {
  console.warn('SKIPPED: training in containers. It needs a Docker engine that holds node:24-bookworm-slim')
}

// That the registry runs what is pushed has a test of its own.
const LAUNCHER = { LAUNCHER: 'docker', REGISTRY_IMAGE_RUNS: '0' }

describe.skipIf(!ready)('training in containers', () => {
  let dir: string
  let server: RunningServer
  let datasetId: string
  let image: string
  let digest: string
  let docker: ReturnType<typeof dockerIn>

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
    docker = dockerIn(dir)
    server = await startServer(join(dir, 'data'), 0, LAUNCHER)
    datasetId = await prepareDataset(server, dir)
    ;({ image, digest } = await publishImage(server, docker))
    // Gone from the engine: it must come from our registry.
    await docker('rmi', '--force', image)
  }, 300_000)

  afterAll(async () => {
    await stopServer(server)
    const { host } = new URL(server.url)
    await docker('rmi', '--force', `${host}/${TRAINER}@${digest}`).catch(() => undefined)
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
    // It reads what the runner has filled, and cannot write there.
    const cacheDir = join(dir, 'data', 'runner', 'datasets')
    expect(seen.Mounts).toContainEqual(expect.objectContaining({ Source: cacheDir, RW: false }))
    expect(await listCache(cacheDir)).toMatchObject([{ state: 'complete', users: 1 }])
    const job = await jobWhen(server.client, id, isOver, 'an end')
    await expectTrained(server, job)
    for (const kind of ['container', 'network', 'volume'] as const)
      await expect.poll(() => ours(kind, id), { timeout: 30_000 }).toEqual([])
  }, 300_000)

  test('a cancelled job stops within its grace period and reports it', async () => {
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

  test('a container that is removed by hand is a lost attempt, and the job starts another', async () => {
    const { id } = await create({ epochs: 500 })
    await jobWhen(server.client, id, hasEpoch(1), 'the first epoch')
    await docker('rm', '--force', await containerOf(id))
    const again = await jobWhen(server.client, id, ({ attempt }) => attempt === 2, 'a second attempt')
    expect(again.error?.message).toMatch(/ended without an exit code/)
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
