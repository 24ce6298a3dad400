import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createPlatformApi } from '../http/platform-api.ts'
import { createTokenSource } from '../http/token-source.ts'
import { createTransport, type Transport } from '../http/transport.ts'
import { createDice } from '../tests/test-dataset.ts'
import { sendJson, startTestPlatform, type TestPlatform } from '../tests/test-platform.ts'
import { openCacheEntry } from './dataset-cache.ts'
import { fillFromPlatform } from './fill-from-platform.ts'
import { withLock } from './lock.ts'

const versionHash = 'd'.repeat(64)
let platform: TestPlatform
let transport: Transport
let dir: string

beforeEach(async () => {
  platform = await startTestPlatform()
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

function open(pageSize = 1000) {
  const backoff = { baseMs: 2, capMs: 5 }
  const api = createPlatformApi({ baseUrl: platform.url, token: createTokenSource({ token: 't' }), transport, backoff })
  return openCacheEntry({ cacheDir: dir, versionHash }, (target) =>
    fillFromPlatform({ api, transport, pageSize, backoff }, target),
  )
}

const downloads = () => platform.requests.filter((request) => request.startsWith('GET /get/file/')).length

describe('the dataset cache', () => {
  it('is filled page by page, read-only, and then needs no platform', async () => {
    const cold = await open(25)
    expect(cold.index.counts).toMatchObject({ images: 60, splits: { train: 45, val: 15 } })
    expect(platform.requests.filter((request) => request.endsWith('/dataset/files'))).toHaveLength(3)
    expect(statSync(join(cold.dir, 'images/0.png')).mode & 0o222).toBe(0)
    expect(statSync(join(cold.dir, 'images')).mode & 0o222).toBe(0)
    expect(readdirSync(dir)).toEqual([versionHash])

    const before = platform.requests.length
    const start = performance.now()
    const warm = await open()
    expect(performance.now() - start).toBeLessThan(200)
    expect(warm.index).toEqual(cold.index)
    expect(platform.requests).toHaveLength(before)
  })

  it('is filled once by two processes that start together', async () => {
    const program = fileURLToPath(new URL('../tests/fill-cache.ts', import.meta.url))
    platform.intercept = (request, response) => {
      // Slow enough that the second process meets the first one at work.
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

  it('goes on with the files that are there when a fill was cut short', async () => {
    let count = 0
    platform.intercept = (request, response) => {
      if (!request.url?.startsWith('/get/file/') || count++ < 40) return false
      sendJson(response, 404, {})
      return true
    }
    await expect(open()).rejects.toThrow(/answered the download of "images\/\d+\.png" with 404/)
    expect(existsSync(join(dir, versionHash))).toBe(false)
    platform.intercept = undefined
    platform.requests.length = 0
    expect((await open()).index.samples).toHaveLength(60)
    expect(downloads()).toBeLessThanOrEqual(20)
  })

  it('refuses a path of the platform that leaves its folder', async () => {
    platform.files.push({ path: '../../evil.png', bytes: Buffer.from('x') })
    await expect(open()).rejects.toThrow(/The path of a file of the dataset is "..\/..\/evil.png"/)
  })

  it('renews expired URLs of a page with one request', async () => {
    let isExpired = true
    platform.intercept = (request, response) => {
      if (request.url?.startsWith('/v1/jobs/7/dataset/files') && platform.requests.length > 10) isExpired = false
      if (!isExpired || !request.url?.startsWith('/get/file/')) return false
      sendJson(response, 403, {})
      return true
    }
    expect((await open()).index.samples).toHaveLength(60)
    expect(platform.requests.filter((request) => request.endsWith('/dataset/files'))).toHaveLength(2)
  })
})

describe('a lock', () => {
  it.each([
    ['whose owner is dead', { host: hostname(), pid: 2 ** 22 + 1, startedAt: '' }, 60_000],
    ['whose pid now belongs to another process', { host: hostname(), pid: process.pid, startedAt: '1' }, 60_000],
    ['of another machine that was silent for long', { host: 'elsewhere', pid: 1, startedAt: '' }, 50],
  ])('%s is taken over', async (_what, owner, staleMs) => {
    const file = join(dir, 'lock')
    writeFileSync(file, JSON.stringify({ id: 'old', ...owner }))
    expect(await withLock(file, async () => 'done', { staleMs, pollMs: 10 })).toBe('done')
    expect(existsSync(file)).toBe(false)
  })

  it('lets one at a time work', async () => {
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

  it('is not waited for after an abort', async () => {
    const file = join(dir, 'lock')
    const stop = new AbortController()
    await withLock(file, async () => {
      setTimeout(() => stop.abort(new Error('stopped')), 20)
      await expect(withLock(file, async () => {}, { signal: stop.signal, pollMs: 5 })).rejects.toThrow('stopped')
    })
  })
})
