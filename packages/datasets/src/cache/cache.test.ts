import { execFile } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ResourceError } from '@trainyard/contract/trainer-errors'
import { cleanDatasetCache } from '@trainyard/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CallbackServer, sendJson, startCallbackServer } from '../testing/callback-server.ts'
import { createTestApi } from '../testing/create-test-api.ts'
import { createDice } from '../testing/test-dataset.ts'
import { createTransport, type Transport } from '../transfer/transport.ts'
import { openCacheEntry } from './dataset-cache.ts'
import { fillFromPlatform } from './fill-from-platform.ts'
import { listCache, pruneCache, verifyCache } from './index.ts'
import { withLock } from './lock.ts'
import { thisHost } from './owner.ts'

const versionHash = 'd'.repeat(64)
let platform: CallbackServer
let transport: Transport
let dir: string

beforeEach(async () => {
  platform = await startCallbackServer()
  const { annotations, files } = createDice(60)
  platform.annotations = [annotations]
  platform.files = files
  transport = createTransport()
  dir = mkdtempSync(join(tmpdir(), 'trainyard-cache-'))
})
afterEach(async () => {
  transport.close()
  await platform.close()
  makeWritable(dir)
  rmSync(dir, { recursive: true, force: true })
})

function makeWritable(folder: string): void {
  chmodSync(folder, 0o755)
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    if (item.isDirectory()) makeWritable(join(folder, item.name))
  }
}

const backoff = { baseMs: 2, capMs: 5 }
const connect = () => createTestApi(platform.url)
const open = (pageSize = 1000) => openAs(versionHash, { pageSize })

function openAs(hash: string, { pageSize = 1000, ...options }: { pageSize?: number; maxBytes?: number } = {}) {
  const api = connect()
  return openCacheEntry({ cacheDir: dir, versionHash: hash, ...options }, (target) =>
    fillFromPlatform({ api, transport, pageSize, backoff }, target),
  )
}

const downloads = () => platform.requests.filter((request) => request.startsWith('GET /get/file/')).length

describe('the dataset cache', () => {
  it('is filled page by page, is read-only, and then does not need the platform', async () => {
    const cold = await open(25)
    expect(cold.index.counts).toMatchObject({ images: 60, splits: { train: 45, val: 15 } })
    expect(platform.requests.filter((request) => request.endsWith('/dataset/files'))).toHaveLength(3)
    expect(statSync(join(cold.dir, 'images/0.png')).mode & 0o222).toBe(0)
    expect(statSync(join(cold.dir, 'images')).mode & 0o222).toBe(0)
    await cold.release()
    expect(readdirSync(dir)).toEqual([versionHash])

    const before = platform.requests.length
    const warm = await open()
    expect(warm.index).toEqual(cold.index)
    expect(platform.requests).toHaveLength(before)
  })

  it('is filled once by two processes that start at the same time', async () => {
    const program = fileURLToPath(new URL('../testing/fill-cache.ts', import.meta.url))
    platform.intercept = (request, response) => {
      // Slow enough that the second process starts during the first fill.
      if (!request.url?.startsWith('/get/annotation')) return false
      setTimeout(() => {
        platform.intercept = undefined
        response.writeHead(503)
        response.end()
      }, 300)
      return true
    }
    const run = () =>
      promisify(execFile)(process.execPath, ['--conditions=trainyard-source', program, platform.url, dir, versionHash])
    const [first, second] = await Promise.all([run(), run()])
    expect([first.stdout.trim(), second.stdout.trim()]).toEqual(['60', '60'])
    expect(downloads()).toBe(60)
    expect(existsSync(join(dir, `${versionHash}.lock`))).toBe(false)
  })

  it('continues an interrupted fill with the files that exist', async () => {
    let count = 0
    platform.intercept = (request, response) => {
      if (!request.url?.startsWith('/get/file/') || count++ < 40) return false
      sendJson(response, 404, {})
      return true
    }
    await expect(open()).rejects.toThrow(/answered the download of "images\/\d+\.png" with 404/)
    expect((await listCache(dir))[0]?.state).toBe('incomplete')
    platform.intercept = undefined
    platform.requests.length = 0
    expect((await open()).index.samples).toHaveLength(60)
    expect(downloads()).toBeLessThanOrEqual(20)
  })

  it('refuses a path from the platform that leads out of its folder', async () => {
    platform.files.push({ path: '../../evil.png', bytes: Buffer.from('x') })
    await expect(open()).rejects.toThrow(/The path of a file of the dataset is "..\/..\/evil.png"/)
  })

  it('renews expired URLs of a page with one request', async () => {
    let pages = 0
    platform.intercept = (request, response) => {
      if (request.url?.startsWith('/v1/jobs/7/dataset/files')) pages++
      // The URLs of the first page have expired, those of the second are valid.
      if (pages > 1 || !request.url?.startsWith('/get/file/')) return false
      sendJson(response, 403, {})
      return true
    }
    expect((await open()).index.samples).toHaveLength(60)
    expect(platform.requests.filter((request) => request.endsWith('/dataset/files'))).toHaveLength(2)
  })
})

describe('a full dataset cache', () => {
  const hash = (digit: number) => String(digit).repeat(64)

  async function fillThree(): Promise<number> {
    for (const digit of [1, 2, 3]) {
      await (await openAs(hash(digit))).release()
      // Two uses within one tick of the file system's clock have no order.
      const at = new Date(Date.now() - 10_000 * (4 - digit))
      utimesSync(join(dir, hash(digit), 'complete.json'), at, at)
    }
    return (await listCache(dir))[0]?.sizeBytes ?? 0
  }
  const hashes = async () => (await listCache(dir)).map((dataset) => dataset.versionHash)

  it('removes the least recently used entry, and opening an entry is a use', async () => {
    const sizeBytes = await fillThree()
    await (await openAs(hash(1))).release()
    expect(await hashes()).toEqual([hash(1), hash(3), hash(2)])
    const { removed, keptBytes } = await pruneCache({ cacheDir: dir, maxBytes: sizeBytes * 2 })
    expect(removed.map((dataset) => dataset.versionHash)).toEqual([hash(2)])
    expect(keptBytes).toBe(sizeBytes * 2)
    expect(readdirSync(dir).sort()).toEqual([hash(1), hash(3)])
  })

  it('makes room after a fill, and never removes an entry in use', async () => {
    const sizeBytes = await fillThree()
    const oldest = await openAs(hash(1))
    const at = new Date(0)
    utimesSync(join(dir, hash(1), 'complete.json'), at, at)
    const newest = await openAs(hash(4), { maxBytes: sizeBytes })
    expect((await hashes()).sort()).toEqual([hash(1), hash(4)])
    expect(readFileSync(oldest.index.samples[0]?.path ?? '').length).toBeGreaterThan(0)
    await Promise.all([oldest.release(), newest.release()])
    expect((await pruneCache({ cacheDir: dir, maxBytes: 0 })).keptBytes).toBe(0)
    expect(readdirSync(dir)).toEqual([])
  })

  it('removes an entry whose user has ended', async () => {
    await fillThree()
    const mark = (digit: number, owner: object) => {
      mkdirSync(join(dir, `${hash(digit)}.users`))
      writeFileSync(join(dir, `${hash(digit)}.users`, 'old'), JSON.stringify({ id: 'old', startedAt: '', ...owner }))
    }
    mark(1, { host: thisHost(), pid: 2 ** 22 + 1 })
    mark(2, { host: 'elsewhere', pid: 1 })
    expect((await listCache(dir)).map(({ users }) => users)).toEqual([0, 1, 0])
    await pruneCache({ cacheDir: dir, maxBytes: 0 })
    expect(await hashes()).toEqual([hash(2)])
  })

  it('keeps an entry that is being filled, and reports what would be removed', async () => {
    await fillThree()
    const dry = await pruneCache({ cacheDir: dir, maxBytes: 0, dryRun: true })
    expect(dry.removed).toHaveLength(3)
    expect(await hashes()).toHaveLength(3)
    await withLock(join(dir, `${hash(2)}.lock`), () => pruneCache({ cacheDir: dir, maxBytes: 0 }))
    expect(await hashes()).toEqual([hash(2)])
  })

  it('is emptied by a plain call', async () => {
    const sizeBytes = await fillThree()
    const env = { DATASET_CACHE_DIR: dir, DATASET_CACHE_MAX_GB: String((sizeBytes * 2.5) / 1e9) }
    expect(await cleanDatasetCache({ env })).toEqual({
      removed: [hash(1)],
      removedBytes: sizeBytes,
      keptBytes: sizeBytes * 2,
    })
    expect((await cleanDatasetCache({ env, maxGb: 0 })).keptBytes).toBe(0)
    await expect(cleanDatasetCache({ env: {} })).rejects.toThrow(/DATASET_CACHE_DIR is not set/)
  })

  it('makes room when the disk is full during a fill', async () => {
    await fillThree()
    let tries = 0
    const entry = await openCacheEntry({ cacheDir: dir, versionHash }, async (target) => {
      if (tries++ === 0) throw new ResourceError('The disk is full')
      expect(await hashes()).toEqual([versionHash])
      return fillFromPlatform({ api: connect(), transport }, target)
    })
    expect(entry.index.samples).toHaveLength(60)
  })
})

describe('a damaged dataset in the cache', () => {
  const fileOf = (name: string) => join(dir, versionHash, 'files', name)
  const damage = (name: string, change: (file: string) => void) => {
    chmodSync(join(fileOf(name), '..'), 0o755)
    if (existsSync(fileOf(name))) chmodSync(fileOf(name), 0o644)
    change(fileOf(name))
  }
  beforeEach(async () => {
    await (await open()).release()
    platform.requests.length = 0
  })

  it.each([
    ['cut short', (file: string) => truncateSync(file, 3)],
    ['missing', (file: string) => rmSync(file)],
  ])('is detected when a file is %s, and only that file is downloaded again', async (_what, change) => {
    damage('images/7.png', change)
    const entry = await open()
    expect(downloads()).toBe(1)
    expect(readFileSync(fileOf('images/7.png'))).toEqual(platform.files[7]?.bytes)
    expect(statSync(fileOf('images/7.png')).mode & 0o222).toBe(0)
    expect(statSync(fileOf('images')).mode & 0o222).toBe(0)
    expect(entry.index.samples).toHaveLength(60)
  })

  it('is detected by its digests and repaired by the next job', async () => {
    expect(await verifyCache({ cacheDir: dir })).toMatchObject([{ damaged: [], withoutDigest: 0 }])
    damage('images/7.png', (file) => writeFileSync(file, Buffer.alloc(statSync(file).size)))
    const [found] = await verifyCache({ cacheDir: dir, versionHash })
    expect(found).toMatchObject({ damaged: [{ path: 'images/7.png', problem: 'digest' }], isRepaired: false })
    expect((await verifyCache({ cacheDir: dir, repair: true }))[0]?.isRepaired).toBe(true)
    await (await open()).release()
    expect(downloads()).toBe(1)
    expect(await verifyCache({ cacheDir: dir })).toMatchObject([{ damaged: [] }])
  })

  it('is downloaded again when its lists cannot be read', async () => {
    writeFileSync(join(dir, versionHash, 'samples.json'), '[')
    expect((await open()).index.samples).toHaveLength(60)
    // Every file is still valid.
    expect(downloads()).toBe(0)
  })
})

describe('a lock', () => {
  it.each([
    ['whose owner is dead', { host: thisHost(), pid: 2 ** 22 + 1, startedAt: '' }, 60_000],
    ['whose pid now belongs to another process', { host: thisHost(), pid: process.pid, startedAt: '1' }, 60_000],
    ['of another machine without a recent heartbeat', { host: 'elsewhere', pid: 1, startedAt: '' }, 50],
  ])('%s is taken over', async (_what, owner, staleMs) => {
    const file = join(dir, 'lock')
    writeFileSync(file, JSON.stringify({ id: 'old', ...owner }))
    expect(await withLock(file, async () => 'done', { staleMs, pollMs: 10 })).toBe('done')
    expect(existsSync(file)).toBe(false)
  })

  it('lets one process work at a time', async () => {
    let inside = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setTimeout(resolve, 5))
      inside--
    }
    await Promise.all(Array.from({ length: 8 }, () => withLock(join(dir, 'lock'), work, { pollMs: 2 })))
    expect(most).toBe(1)
  })

  it('is not awaited after an abort', async () => {
    const file = join(dir, 'lock')
    const stop = new AbortController()
    await withLock(file, async () => {
      setTimeout(() => stop.abort(new Error('stopped')), 20)
      await expect(withLock(file, async () => {}, { signal: stop.signal, pollMs: 5 })).rejects.toThrow('stopped')
    })
  })
})
