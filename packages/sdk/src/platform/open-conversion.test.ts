import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TargetFormat } from '@trainyard/contract'
import { listCache, pruneCache, verifyCache } from '@trainyard/datasets/cache'
import { type CallbackServer, createDice, removeFolder, startCallbackServer } from '@trainyard/datasets/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolveConfig } from '../config/resolve-config.ts'
import { Session } from '../session/session.ts'
import { PlatformBackend } from './platform-backend.ts'

const versionHash = 'f'.repeat(64)
let platform: CallbackServer
let dir: string
let cacheDir: string
let warnings: string[]
let opened: Session[]
let jobs: number

beforeEach(async () => {
  platform = await startCallbackServer()
  const { annotations, files } = createDice(12)
  platform.annotations = [annotations]
  platform.files = files
  dir = mkdtempSync(join(tmpdir(), 'trainyard-conversion-'))
  cacheDir = join(dir, 'cache')
  warnings = []
  opened = []
  jobs = 0
})
afterEach(async () => {
  await closeJobs()
  await platform.close()
  await removeFolder(cacheDir)
  rmSync(dir, { recursive: true, force: true })
})

/** Starts another job with its own work folder. */
async function startJob(): Promise<Session> {
  const workDir = join(dir, `work-${jobs++}`)
  const backend = new PlatformBackend({
    callbackUrl: platform.url,
    token: 't',
    attempt: 1,
    workDir,
    dataset: { cacheDir, versionHash },
    onStop: () => {},
    onWarning: (message) => warnings.push(message),
    backoff: { baseMs: 2, capMs: 5 },
  })
  const session = new Session({
    settings: {
      id: 7,
      attempt: 1,
      operation: 'train',
      taskType: 'classification',
      framework: 'test',
      model: 'small',
      traceId: 'a'.repeat(32),
      config: resolveConfig({}),
      workDir,
      manifest: undefined,
      exportFormat: undefined,
    },
    backend,
    stop: new AbortController(),
    allowNaN: false,
    print: () => {},
  })
  opened.push(session)
  return session
}

async function closeJobs(): Promise<void> {
  await Promise.all(opened.splice(0).map((session) => session.close({ timeoutMs: 1000 })))
}

const fetchAs = async (as: TargetFormat, own = false) => (await startJob()).dataset.fetch({ as, own })
const conversions = async () => (await listCache(cacheDir)).filter(({ conversion }) => conversion !== undefined)

describe('a converted dataset', () => {
  it('is created once and shared, read-only, by jobs that start together and by later ones', async () => {
    const [first, second] = await Promise.all([fetchAs('yolo'), fetchAs('yolo')])
    expect(second.dir).toBe(first.dir)
    expect(first.dir.startsWith(cacheDir)).toBe(true)
    const image = join(first.dir, 'train', 'cat', '0.png')
    const inode = statSync(image).ino
    expect([statSync(image).mode & 0o222, statSync(join(first.dir, 'train', 'cat')).mode & 0o222]).toEqual([0, 0])
    await closeJobs()
    expect((await fetchAs('yolo')).dir).toBe(first.dir)
    expect(statSync(image).ino).toBe(inode)
    expect(await conversions()).toMatchObject([
      { state: 'complete', users: 1, conversion: { of: versionHash, format: 'yolo', taskType: 'classification' } },
    ])
  })

  it('is separate for each format', async () => {
    const dirs = new Set([(await fetchAs('yolo')).dir, (await fetchAs('imagefolder')).dir, (await fetchAs('dice')).dir])
    expect(dirs.size).toBe(3)
    expect(await conversions()).toHaveLength(2)
  })

  it('is a private copy when the trainer asks for one', async () => {
    const { dir: folder } = await fetchAs('yolo', true)
    expect(folder).toBe(join(dir, 'work-0', 'dataset-yolo'))
    writeFileSync(join(folder, 'train', 'cat', 'labels.cache'), '')
    expect(await conversions()).toEqual([])
  })

  it('is detected as damaged and created again, from the files in the cache', async () => {
    const { dir: folder } = await fetchAs('yolo')
    const image = join(folder, 'train', 'cat', '0.png')
    const right = readFileSync(image)
    const { atime, mtime } = statSync(image)
    await closeJobs()
    // Like a hostile trainer: the same size, with the old modification time.
    chmodSync(image, 0o644)
    writeFileSync(image, Buffer.alloc(right.length, 1))
    const { utimesSync } = await import('node:fs')
    utimesSync(image, atime, mtime)
    chmodSync(image, 0o444)
    expect(await verifyCache({ cacheDir })).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ damaged: [{ path: 'train/cat/0.png', problem: 'digest' }] })]),
    )
    const requests = platform.requests.filter((request) => request.startsWith('GET /get/')).length
    expect((await fetchAs('yolo')).dir).toBe(folder)
    expect(readFileSync(image)).toEqual(right)
    expect(platform.requests.filter((request) => request.startsWith('GET /get/'))).toHaveLength(requests)
    expect(warnings.join()).toContain('"train/cat/0.png" has another SHA-256')
  })

  it('is removed by a repair when it is damaged', async () => {
    const { dir: folder } = await fetchAs('yolo')
    await closeJobs()
    const image = join(folder, 'train', 'cat', '0.png')
    chmodSync(image, 0o644)
    writeFileSync(image, 'short')
    const results = await verifyCache({ cacheDir, repair: true })
    expect(results.map(({ damaged, isRepaired }) => [damaged.length, isRepaired])).toContainEqual([1, true])
    expect(readdirSync(cacheDir)).toEqual([versionHash])
    expect(existsSync(join((await fetchAs('yolo')).dir, 'train', 'cat', '0.png'))).toBe(true)
  })

  it('is removed together with its dataset, and neither while a job uses it', async () => {
    await fetchAs('yolo')
    expect((await pruneCache({ cacheDir, maxBytes: 0 })).removed).toEqual([])
    await closeJobs()
    const [conversion, raw] = (await listCache(cacheDir)).sort((a) => (a.conversion ? -1 : 1))
    expect(raw?.versionHash).toBe(versionHash)
    // The conversion alone would fit, but it is useless without its dataset.
    const maxBytes = (conversion?.sizeBytes ?? 0) + (raw?.sizeBytes ?? 0) - 1
    const { removed } = await pruneCache({ cacheDir, maxBytes })
    expect(removed.map(({ versionHash: key }) => key)).toContain(versionHash)
    expect(removed).toHaveLength(2)
    expect(readdirSync(cacheDir)).toEqual([])
  })
})

describe('a modified cache entry', () => {
  it('loses files that are not part of the dataset before another job opens it', async () => {
    const { dir: folder } = await fetchAs('dice')
    await closeJobs()
    chmodSync(folder, 0o755)
    writeFileSync(join(folder, 'labels.cache'), 'runs when it is loaded')
    chmodSync(folder, 0o555)
    expect((await fetchAs('dice')).dir).toBe(folder)
    expect(existsSync(join(folder, 'labels.cache'))).toBe(false)
    expect(statSync(folder).mode & 0o222).toBe(0)
  })

  it('has its damaged files downloaded again, also those with the right size and date', async () => {
    const { dir: folder } = await fetchAs('dice')
    await closeJobs()
    const image = join(folder, 'images', '3.png')
    const right = readFileSync(image)
    chmodSync(image, 0o644)
    writeFileSync(image, Buffer.alloc(right.length, 1))
    chmodSync(image, 0o444)
    await fetchAs('dice')
    expect(readFileSync(image)).toEqual(right)
    expect(warnings.join()).toContain('"images/3.png" has another SHA-256')
    expect(platform.requests.filter((request) => request.startsWith('GET /get/file/'))).toHaveLength(13)
  })

  it('stays when only its metadata changed: its digests are read once, and then trusted again', async () => {
    const { dir: folder } = await fetchAs('dice')
    await closeJobs()
    chmodSync(join(folder, 'images'), 0o755)
    chmodSync(join(folder, 'images'), 0o555)
    const complete = join(folder, '..', 'complete.json')
    const before = readFileSync(complete, 'utf8')
    await fetchAs('dice')
    expect(readFileSync(complete, 'utf8')).not.toBe(before)
    expect(warnings).toEqual([])
    expect(platform.requests.filter((request) => request.startsWith('GET /get/file/'))).toHaveLength(12)
  })
})
