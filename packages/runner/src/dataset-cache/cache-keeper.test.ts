import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CacheDatasetRequest, CachedDatasetState, type CreateJobInput } from '@trainyard/contract'
import { listCache } from '@trainyard/datasets/cache'
import { createFolderStore, createLogger, type Listening, listen } from '@trainyard/platform'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createRunner } from '../create-runner.ts'
import { png, tarOf } from '../datasets/testing/test-datasets.ts'
import type { Launcher } from '../launchers/launcher.ts'
import {
  type Harness,
  isOver,
  journalOf,
  noLauncher,
  PLAIN_TRAINER_DIR,
  playedLauncher,
  startHarness,
} from '../testing/harness.ts'
import { findProcesses, killProcess } from '../testing/processes.ts'
import { createFolderTrainerSource } from '../trainers/folder-source.ts'

const IMAGES = 12
/** A busy machine takes longer than the default second. */
const WAIT = { timeout: 30_000 }

let dir: string
let cacheDir: string
let storage: Listening
let downloads: string[]
/** Answers a download instead of the store. */
let intercept: ((path: string) => Promise<Response> | undefined) | undefined
let launcher: Launcher
let harness: Harness
let datasetId: string
let versionHash: string
/** The number of the test: each test has its own images. */
let round = 0
let trainers: Trainer[]

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'trainyard-keeper-'))
  cacheDir = join(dir, 'cache')
  let serve: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 })
  storage = await listen({ fetch: (request) => serve(request) }, { port: 0, drainMs: 0 })
  const store = createFolderStore({ dir: join(dir, 'store'), publicUrl: storage.url, secret: 'a secret of this test' })
  serve = async (request) => {
    const { pathname } = new URL(request.url)
    downloads.push(pathname)
    return (await intercept?.(pathname)) ?? (await store.app.fetch(request))
  }
  // Trainers that the test plays; they run until they are stopped.
  const ended = new Set<number>()
  launcher = {
    ...noLauncher,
    datasetCache: { dir: cacheDir, maxGb: 1 },
    observe: async ({ jobId }) => (ended.has(jobId) ? { state: 'exited', exitCode: 143 } : { state: 'running' }),
    stop: async ({ jobId }) => void ended.add(jobId),
  }
  harness = await startHarness({ start: true, runner: { launcher, store }, config: { maxConcurrentJobs: 10 } })
})
beforeEach(async () => {
  round++
  downloads = []
  trainers = []
  intercept = undefined
  const dataset = await upload(IMAGES)
  ;({ id: datasetId, versionHash } = dataset)
})
afterEach(async () => {
  for (const trainer of trainers) await cancel(trainer)
})
afterAll(async () => {
  await harness.close()
  await storage.close()
  await rm(dir, { recursive: true, force: true })
})

const picture = (index: number) => Buffer.from(png(1000 * round + index))

/** Uploads images in folders of two classes. */
async function upload(images: number): Promise<{ id: string; versionHash: string }> {
  const names = Array.from({ length: images }, (_, index) => `${index % 2 ? 'dog' : 'cat'}/${index}.png`)
  const body = await tarOf(Object.fromEntries(names.map((name, index) => [name, picture(index)])))
  const headers = { 'content-type': 'application/x-tar' }
  const response = await harness.request('/v1/datasets?name=animals', { method: 'POST', headers, body })
  expect(response.status, await response.clone().text()).toBe(201)
  return (await response.json()) as { id: string; versionHash: string }
}

/** Starts a job and waits until its trainer is launched. */
async function startTrainer(input: Partial<CreateJobInput> = {}): Promise<Trainer> {
  const { id } = await harness.createJob({ dataset: datasetId, ...input })
  await expect
    .poll(
      async () =>
        (
          await harness.runner.context.database.db
            .selectFrom('attempts')
            .select('launched_at')
            .where('job_id', '=', id)
            .executeTakeFirst()
        )?.launched_at ?? null,
      WAIT,
    )
    .not.toBeNull()
  const trainer = await journalOf(harness, id, 1)
  trainers.push(trainer)
  return trainer
}

type Trainer = Awaited<ReturnType<typeof journalOf>>

async function ask(trainer: Trainer, request: CacheDatasetRequest = {}): Promise<CachedDatasetState> {
  const response = await trainer.post('/dataset/cache', request)
  expect(response.status, await response.clone().text()).toBe(200)
  return CachedDatasetState.parse(await response.json())
}

async function waitForCache(trainer: Trainer, request: CacheDatasetRequest = {}) {
  let answer = await ask(trainer, request)
  const readState = async () => {
    answer = await ask(trainer, request)
    return answer.state
  }
  await expect.poll(readState, WAIT).not.toBe('filling')
  return answer
}

async function folderOf(trainer: Trainer, request: CacheDatasetRequest = {}): Promise<string> {
  const answer = await waitForCache(trainer, request)
  if (answer.state !== 'ready') throw new Error(JSON.stringify(answer))
  return join(cacheDir, answer.folder)
}

async function cancel({ jobId }: Trainer): Promise<void> {
  if (isOver(await harness.getJob(jobId))) return
  await harness.post(`/v1/jobs/${jobId}/cancel`, {})
  await harness.waitFor(jobId, isOver)
  expect(await harness.runner.awaitCleanup(20_000)).toEqual([])
}

const imageDownloads = () => downloads.filter((path) => path.endsWith('.png')).length
const users = async () => (await listCache(cacheDir)).find((entry) => entry.versionHash === versionHash)?.users
const fillers = async () =>
  (await findProcesses(() => true)).filter(({ command }) => command.endsWith(`\0${cacheDir}\0`))

describe('a dataset cache that trainers only read', () => {
  it('is filled once for jobs that request it together, and stays in use until they end', async () => {
    const [one, other] = [await startTrainer(), await startTrainer()]
    const [first, second] = await Promise.all([folderOf(one), folderOf(other)])
    expect(second).toBe(first)
    expect(readFileSync(join(first, 'cat', '2.png'))).toEqual(picture(2))
    expect(statSync(join(first, 'cat', '2.png')).mode & 0o777).toBe(0o444)
    expect(imageDownloads()).toBe(IMAGES)
    expect(await users()).toBe(2)
    await cancel(one)
    await expect.poll(users, WAIT).toBe(1)
    await cancel(other)
    await expect.poll(users, WAIT).toBe(0)

    const later = await startTrainer()
    expect(await folderOf(later)).toBe(first)
    expect(imageDownloads()).toBe(IMAGES)
  })

  it('has conversions too, one for each split', async () => {
    const [one, other] = [await startTrainer(), await startTrainer()]
    const folder = await folderOf(one, { as: 'yolo' })
    expect(readdirSync(folder)).toContain('train')
    expect(await folderOf(other, { as: 'yolo' })).toBe(folder)
    expect(await folderOf(one)).not.toBe(folder)
    const split = { ratios: { train: 0.5, val: 0.25, test: 0.25 } }
    const own = await startTrainer({ split })
    const folderOfSplit = await folderOf(own, { as: 'yolo' })
    expect(folderOfSplit).not.toBe(folder)
    expect(readdirSync(folderOfSplit)).toEqual(expect.arrayContaining(['train', 'val', 'test']))
    // All splits share the images in the dataset's own format.
    expect(await folderOf(own)).toBe(await folderOf(one))
    expect(imageDownloads()).toBe(IMAGES)
  })

  it('reports its progress', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let count = 0
    intercept = (path) =>
      path.endsWith('.png') && ++count > 6 ? held.then(() => new Response(null, { status: 503 })) : undefined
    const trainer = await startTrainer()
    await expect.poll(() => ask(trainer), WAIT).toMatchObject({ state: 'filling', totalFiles: IMAGES })
    expect(((await ask(trainer)) as { files: number }).files).toBeGreaterThan(0)
    intercept = undefined
    release()
    expect((await waitForCache(trainer)).state).toBe('ready')
  })

  it('stops a fill that no job waits for, and uses its files for the next job', async () => {
    let count = 0
    intercept = (path) => (path.endsWith('.png') && ++count > 6 ? new Promise(() => {}) : undefined)
    const trainer = await startTrainer()
    await expect.poll(() => ask(trainer).then(() => count), WAIT).toBeGreaterThan(6)
    expect(await fillers()).not.toEqual([])
    await cancel(trainer)
    await expect.poll(fillers, WAIT).toEqual([])
    intercept = undefined
    downloads.length = 0
    await folderOf(await startTrainer())
    expect(imageDownloads()).toBeLessThanOrEqual(IMAGES - 6)
  })

  it('is filled when the process that fills it is killed', async () => {
    let count = 0
    intercept = (path) => (path.endsWith('.png') && ++count > 6 ? new Promise(() => {}) : undefined)
    const trainer = await startTrainer()
    await expect.poll(() => ask(trainer).then(() => count), WAIT).toBeGreaterThan(6)
    intercept = undefined
    for (const { pid } of await fillers()) killProcess(pid)
    expect((await waitForCache(trainer)).state).toBe('ready')
  })

  it('reports why a dataset cannot be downloaded', async () => {
    intercept = async (path) =>
      (path.endsWith('/3.png') ? new Response('gone', { status: 404 }) : undefined) as Response
    const trainer = await startTrainer()
    expect(await waitForCache(trainer)).toMatchObject({
      state: 'failed',
      errorType: expect.stringMatching(/DatasetError|NetworkError/),
      message: expect.stringContaining('dog/3.png'),
    })
    // Another job tries again.
    intercept = undefined
    expect((await waitForCache(await startTrainer())).state).toBe('ready')
  })

  it('downloads a damaged file again before another job reads it', async () => {
    const trainer = await startTrainer()
    const file = join(await folderOf(trainer), 'cat', '2.png')
    await cancel(trainer)
    chmodSync(file, 0o644)
    writeFileSync(file, Buffer.alloc(picture(2).length, 7))
    await folderOf(await startTrainer())
    expect(readFileSync(file)).toEqual(picture(2))
    expect(imageDownloads()).toBe(IMAGES + 1)
  })

  it('needs the job token, a valid request, a dataset, and a cache that the platform fills', async () => {
    const trainer = await startTrainer()
    expect((await harness.post(`/v1/jobs/${trainer.jobId}/dataset/cache`, {})).status).toBe(401)
    expect((await trainer.post('/dataset/cache', { as: 'tfrecord' })).status).toBe(400)
    expect((await trainer.post('/dataset/cache', { path: '/etc' })).status).toBe(400)
    const plain = await startHarness({ start: true, runner: { launcher: playedLauncher } })
    try {
      const { id } = await plain.createJob()
      await plain.waitFor(id, (job) => job.state !== 'pending')
      await expect
        .poll(async () => (await (await journalOf(plain, id, 1)).post('/dataset/cache', {})).status, WAIT)
        .toBe(404)
    } finally {
      await plain.close()
    }
  })

  // Must be the last test: it stops the runner.
  it('is kept for running trainers by the next runner', async () => {
    const trainer = await startTrainer()
    const folder = await folderOf(trainer)
    await harness.runner.stop()
    trainers = []
    expect(await users()).toBe(0)
    const { config, context } = { config: harness.config, context: harness.runner.context }
    const next = await createRunner({
      config,
      launcher,
      store: context.store,
      logger: createLogger({ name: 'next', level: 'silent' }),
      trainers: createFolderTrainerSource(PLAIN_TRAINER_DIR),
    })
    try {
      await next.start()
      await expect.poll(users, WAIT).toBe(1)
      expect(existsSync(folder)).toBe(true)
    } finally {
      await next.stop()
    }
  })
})
