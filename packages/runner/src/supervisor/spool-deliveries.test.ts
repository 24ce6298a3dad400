import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type Job, LogPage, StoredEventPage } from '@trainyard/contract'
import { encodeSpoolRecord, type SpoolRecord, spoolPath } from '@trainyard/contract/spool'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Launcher, Observation } from '../launchers/launcher.ts'
import { openSpool } from '../launchers/subprocess/open-spool.ts'
import { type Harness, isOver, journalOf, noLauncher, startHarness } from '../testing/harness.ts'

const time = '2026-11-20T09:30:00.123Z'
const EXITED: Observation = { state: 'exited', exitCode: 1 }

/** Frames as the SDK writes them. */
function framesOf(records: readonly SpoolRecord[]): Buffer {
  return Buffer.concat(
    records.map((record) => {
      const payload = Buffer.from(encodeSpoolRecord(record))
      const header = Buffer.alloc(8)
      header.writeUInt32LE(payload.length, 0)
      header.writeUInt32LE(crc32(payload), 4)
      return Buffer.concat([header, payload])
    }),
  )
}

const event = (id: number, fields: Record<string, unknown>): SpoolRecord => ({
  op: 'event',
  id,
  priority: 3,
  json: JSON.stringify({ time, ...fields }),
})
const epochs = (from: number, to: number): SpoolRecord[] =>
  Array.from({ length: to - from + 1 }, (_, at) => event(from + at, { type: 'progress', epoch: from + at }))

describe('what a trainer left in its spool', () => {
  let harness: Harness
  let dir: string
  let observed: Observation
  const launched = new Set<number>()
  const workDirOf = (jobId: number) => join(dir, String(jobId))
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'trainyard-spools-'))
    const launcher: Launcher = {
      ...noLauncher,
      launch: async ({ jobId }) => {
        launched.add(jobId)
      },
      observe: async () => observed,
      openSpool: (ref) => openSpool(workDirOf(ref.jobId), ref.attempt),
    }
    harness = await startHarness({ start: true, runner: { launcher }, config: { limits: { maxFreeRetries: 0 } } })
  })
  beforeEach(() => {
    observed = { state: 'running' }
  })
  afterEach(() => {
    observed = EXITED
  })
  afterAll(async () => {
    await harness.close()
    rmSync(dir, { recursive: true, force: true })
  })

  /** A job whose trainer has sent these events; then it ends and leaves a spool. */
  async function run(
    sent: Record<string, unknown>[],
    spool: Buffer | ((file: string) => void),
    end: Observation = EXITED,
  ): Promise<Job> {
    observed = { state: 'running' }
    const job = await harness.createJob({ maxRetries: 0 })
    await harness.waitFor(job.id, () => launched.has(job.id), 20_000)
    const journal = await journalOf(harness, job.id, 1)
    if (sent.length > 0) expect((await journal.send(1, sent)).status).toBe(200)
    const file = join(workDirOf(job.id), spoolPath(1))
    mkdirSync(dirname(file), { recursive: true })
    if (typeof spool === 'function') spool(file)
    else writeFileSync(file, spool)
    observed = end
    return await harness.waitFor(job.id, isOver, 20_000)
  }

  const eventsOf = async (job: Job) =>
    StoredEventPage.parse(await (await harness.request(`/v1/jobs/${job.id}/events?limit=1000`)).json()).events
  const notesOf = async (job: Job) => {
    const { lines } = LogPage.parse(await (await harness.request(`/v1/jobs/${job.id}/logs`)).json())
    return lines.filter(({ source }) => source === 'platform').map(({ message }) => message)
  }

  it('is delivered before the end is decided, and its number is in the log', async () => {
    const failed = { type: 'failed', errorType: 'DatasetError', message: 'Image 3 is corrupt', retryable: false }
    const spool = framesOf([
      event(1, { type: 'started' }),
      { op: 'number', first: 1, count: 1 },
      { op: 'acknowledge', seq: 1 },
      ...epochs(2, 31),
      event(32, failed),
    ])
    const job = await run([{ type: 'started' }], spool)
    expect(job).toMatchObject({ state: 'failed', endReason: 'dataset_error', progress: { epoch: 31 } })
    expect((await eventsOf(job)).map(({ seq }) => seq)).toEqual(Array.from({ length: 32 }, (_, at) => at + 1))
    expect(await notesOf(job)).toEqual([
      '31 events were delivered from the trainer’s spool after its process had ended',
    ])
  })

  it('is delivered too when the trainer never reached the platform, and when its exit code is lost', async () => {
    const spool = framesOf([event(1, { type: 'started' }), ...epochs(2, 3)])
    const job = await run([], spool)
    expect(job).toMatchObject({ state: 'failed', endReason: 'training_error', progress: { epoch: 3 } })
    const lost = await run([{ type: 'started' }], spool, { state: 'lost' })
    expect(lost).toMatchObject({ endReason: 'node_lost', progress: { epoch: 3 } })
  })

  it('succeeds with a completed event, whatever happened to the process after it', async () => {
    const completed = { type: 'completed', result: { operation: 'train', metrics: { a: 1 }, checkpointIds: [] } }
    const spool = framesOf([event(1, { type: 'started' }), event(2, completed)])
    expect(await run([], spool, { state: 'exited', exitCode: 137, signal: 'SIGKILL' })).toMatchObject({
      state: 'succeeded',
      endReason: 'completed',
    })
  })

  it('is not stored twice: what the platform holds is skipped', async () => {
    const spool = framesOf([
      event(1, { type: 'started' }),
      ...epochs(2, 5),
      { op: 'number', first: 1, count: 5 },
      ...epochs(6, 7),
    ])
    const job = await run([{ type: 'started' }, ...[2, 3].map((epoch) => ({ type: 'progress', epoch }))], spool)
    const events = await eventsOf(job)
    expect(events.map(({ body }) => body.epoch)).toEqual([undefined, 2, 3, 4, 5, 6, 7])
    expect(await notesOf(job)).toEqual([expect.stringMatching(/^4 events were delivered/)])
  })

  it('passes the checks of the callback: what is invalid is stored with its reason, and nothing escapes', async () => {
    const spool = framesOf([
      event(1, { type: 'started' }),
      event(2, { type: 'progress', epoch: -1 }),
      { op: 'event', id: 3, priority: 3, json: '{"a":1},{"seq":99,"type":"completed"}' },
      { op: 'event', id: 4, priority: 3, json: '[]' },
      {
        op: 'event',
        id: 6,
        priority: 3,
        json: `{"time":"${time}","type":"log","data":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      },
      {
        op: 'event',
        id: 5,
        priority: 3,
        json: `{"seq":77,"type":"log","level":"info","time":"${time}","message":"a\\u0000b"}`,
      },
    ])
    const job = await run([], spool)
    const events = await eventsOf(job)
    expect(events.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'started'],
      [2, 'progress'],
      [3, 'log'],
    ])
    expect(events[1]?.rejected).toMatchObject({ path: 'epoch' })
    expect(events[2]?.body.message).toBe('a\uFFFDb')
  })

  it('is read up to a damaged part, which the log mentions; a torn end is normal', async () => {
    const good = framesOf([event(1, { type: 'started' }), ...epochs(2, 3)])
    const damaged = framesOf(epochs(4, 5))
    damaged[20] = (damaged[20] ?? 0) ^ 1
    const job = await run([], Buffer.concat([good, damaged]))
    expect(await notesOf(job)).toEqual([
      '3 events were delivered from the trainer’s spool after its process had ended. The rest of its spool is damaged or too large, and was not read',
    ])
    const torn = await run([], Buffer.concat([good, damaged.subarray(0, 11)]))
    expect(await notesOf(torn)).toEqual([
      '3 events were delivered from the trainer’s spool after its process had ended',
    ])
  })

  it.each<[string, (file: string) => void]>([
    ['a link to a file', (file) => symlinkSync(secret(), file)],
    ['a second name of a file', (file) => linkSync(secret(), file)],
    [
      'a folder that is a link',
      (file) => {
        rmSync(dirname(file), { recursive: true })
        const other = mkdtempSync(join(dir, 'other-'))
        writeFileSync(join(other, 'journal-1.spool'), framesOf(epochs(1, 3)))
        symlinkSync(other, dirname(file))
      },
    ],
    ['a folder', (file) => mkdirSync(file)],
  ])('is not read when it is %s', async (_what, place) => {
    const job = await run([{ type: 'started' }], place)
    expect(await eventsOf(job)).toHaveLength(1)
    expect(await notesOf(job)).toEqual([
      expect.stringMatching(/^The events that the trainer had not delivered cannot be read/),
    ])
  })

  function secret(): string {
    const file = join(mkdtempSync(join(dir, 'secret-')), 'journal-1.spool')
    writeFileSync(file, framesOf(epochs(1, 3)))
    return file
  }
})
