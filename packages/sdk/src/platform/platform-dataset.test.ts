import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CacheDatasetRequest } from '@trainyard/contract'
import { DatasetError } from '@trainyard/contract/trainer-errors'
import { fillCache, listCache } from '@trainyard/datasets/cache'
import {
  type CallbackServer,
  createDice,
  removeFolder,
  sendJson,
  startCallbackServer,
} from '@trainyard/datasets/testing'
import { createTransport, type Transport } from '@trainyard/datasets/transfer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPlatformApi } from '../http/platform-api.ts'
import { createTokenSource } from '../http/token-source.ts'
import { PlatformDataset } from './platform-dataset.ts'

const versionHash = 'e'.repeat(64)
let platform: CallbackServer
let transport: Transport
let dir: string
let cacheDir: string
let workDir: string
let warnings: string[]
let asked: CacheDatasetRequest[]
/** The platform's responses, in turn; the last one is repeated. */
let answers: object[]
let dataset: PlatformDataset

beforeEach(async () => {
  platform = await startCallbackServer()
  const { annotations, files } = createDice(8)
  platform.annotations = [annotations]
  platform.files = files
  transport = createTransport()
  dir = mkdtempSync(join(tmpdir(), 'trainyard-shown-'))
  cacheDir = join(dir, 'cache')
  workDir = join(dir, 'work')
  warnings = []
  asked = []
  answers = []
  platform.intercept = (request, response, body) => {
    if (!request.url?.endsWith('/dataset/cache')) return false
    asked.push(CacheDatasetRequest.parse(JSON.parse(body.toString())))
    sendJson(response, 200, answers.length > 1 ? answers.shift() : answers[0])
    return true
  }
  dataset = open()
})
afterEach(async () => {
  await dataset.release()
  transport.close()
  await platform.close()
  await removeFolder(dir)
  rmSync(dir, { recursive: true, force: true })
})

const backoff = { baseMs: 2, capMs: 5 }
const api = () =>
  createPlatformApi({ baseUrl: platform.url, token: createTokenSource({ token: 't' }), transport, backoff })
const open = (withUnlabelled = false, hasOwnSplits = false) =>
  new PlatformDataset({
    api: api(),
    transport,
    workDir,
    cacheDir,
    versionHash,
    backoff,
    withUnlabelled,
    filledBy: 'platform',
    hasOwnSplits,
    onWarning: (message) => warnings.push(message),
  })
const signal = new AbortController().signal
/** Fills the cache like the process of a platform. */
const fill = (as?: { format: 'yolo' }) =>
  fillCache({
    api: api(),
    backoff,
    cacheDir,
    versionHash,
    signal,
    as: as === undefined ? undefined : { ...as, taskType: 'classification' },
  })
const ready = (key: string) => ({ state: 'ready', folder: `${key}/files` })
const downloads = () => platform.requests.filter((request) => request.startsWith('GET /get/file/')).length
const everything = () =>
  readdirSync(cacheDir, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => [name, statSync(join(cacheDir, name)).ctimeMs])

describe('a cache that the platform fills', () => {
  it('is polled until it is filled, and read without leaving a trace', async () => {
    const key = await fill()
    const before = { all: everything(), downloads: downloads() }
    answers = [{ state: 'filling', files: 3, totalFiles: 8 }, { state: 'filling', files: 5, totalFiles: 8 }, ready(key)]
    const progress: number[][] = []
    const { dir: folder, index } = await dataset.open(signal, (...counts) => progress.push(counts))
    expect(folder).toBe(join(cacheDir, key, 'files'))
    expect(index).toMatchObject({ counts: { images: 8, labelled: 8 }, format: 'dice' })
    expect(readFileSync(index.samples[0]?.path ?? '')).toEqual(platform.files[0]?.bytes)
    expect(progress).toEqual([
      [3, 8],
      [5, 8],
    ])
    expect(asked).toEqual([{}, {}, {}])
    await dataset.release()
    expect({ all: everything(), downloads: downloads() }).toEqual(before)
  })

  it('provides conversions, with the losses of each', async () => {
    const key = await fill({ format: 'yolo' })
    answers = [ready(versionHash), ready(key)]
    const { shareConversion } = await dataset.open(signal)
    const convert = () => Promise.reject(new Error('the trainer must not convert'))
    const made = await shareConversion?.({ format: 'yolo', taskType: 'classification' }, convert)
    expect(made).toMatchObject({ dir: join(cacheDir, key, 'files'), conversion: { format: 'yolo' } })
    expect(made?.conversion?.losses).not.toEqual([])
    expect(asked).toEqual([{}, { as: 'yolo' }])
  })

  it('includes images without labels for a job that needs them', async () => {
    answers = [ready(await fill())]
    await open(true).open(signal)
    expect(asked).toEqual([{ all: true }])
  })

  it('is read with the splits of the job, also those of images without labels', async () => {
    answers = [ready(await fill())]
    const queries: (string | null)[][] = []
    const { intercept } = platform
    platform.intercept = (request, ...rest) => {
      const { pathname, searchParams } = new URL(request.url ?? '', platform.url)
      if (pathname.endsWith('/files')) queries.push(['splits', 'all'].map((name) => searchParams.get(name)))
      return intercept?.(request, ...rest) ?? false
    }
    for (const file of platform.files) file.split = 'test'
    const { index } = await open(true, true).open(signal)
    expect(index.counts.splits).toEqual({ train: 0, val: 0, test: 8 })
    expect(queries).toEqual([[null, 'true']])
  })

  it('fails the job with the platform’s message when it cannot be filled', async () => {
    const failure = { errorType: 'DatasetError', message: '"images/3.png" is not what was announced', retryable: false }
    answers = [{ state: 'failed', ...failure }]
    const error = await dataset.open(signal).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DatasetError)
    expect(error).toMatchObject({ message: failure.message, retryable: false })
  })

  it('is not used when the entry cannot be read; the dataset is then downloaded into the work folder', async () => {
    answers = [ready(versionHash)]
    const { dir: folder, shareConversion } = await dataset.open(signal)
    expect(folder.startsWith(workDir)).toBe(true)
    expect(downloads()).toBe(8)
    expect(await listCache(cacheDir)).toEqual([])
    expect(warnings.join()).toContain(`"${cacheDir}"`)
    const made = await shareConversion?.({ format: 'yolo', taskType: 'classification' }, async (target) => {
      mkdirSync(target)
      return []
    })
    expect(made?.dir.startsWith(workDir)).toBe(true)
  })

  it.each(['../../etc/files', '/etc', `${versionHash}/files/../..`, versionHash])(
    'refuses the folder %s',
    async (folder) => {
      answers = [{ state: 'ready', folder }]
      await expect(dataset.open(signal)).rejects.toThrow(/key of the cache/)
    },
  )

  it('is no longer polled after a cancel', async () => {
    answers = [{ state: 'filling', files: 0, totalFiles: 8 }]
    const stop = new AbortController()
    const opening = dataset.open(stop.signal)
    await expect.poll(() => asked.length, { timeout: 30_000 }).toBeGreaterThan(1)
    stop.abort(new Error('cancelled'))
    await expect(opening).rejects.toThrow('cancelled')
  })
})
