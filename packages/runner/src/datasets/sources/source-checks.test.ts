import { overrideStore } from '@trainyard/platform'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DatasetChanged } from '../../errors.ts'
import { type Harness, noLauncher, startHarness } from '../../testing/harness.ts'
import { SourceChecks, type VerifyOptions } from './source-checks.ts'

describe('checks of sources', () => {
  let harness: Harness
  let snapshotId: string
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
    snapshotId = (await harness.createJob()).dataset?.snapshotId ?? ''
  })
  afterAll(() => harness.close())

  /** Checks whose listings wait until they are released. */
  function create() {
    const { context } = harness.runner
    const listings: { release: (files?: string[]) => void; fail: (error: Error) => void }[] = []
    let now = Date.now()
    const store = overrideStore(context.store, {
      async *list() {
        const { promise, resolve, reject } = Promise.withResolvers<string[]>()
        listings.push({ release: (files = []) => resolve(files), fail: reject })
        for (const key of await promise) yield { key, sizeBytes: 1, etag: 'e' }
      },
    })
    const clock = { now: () => new Date(now) }
    const checks = new SourceChecks({ ...context, store, clock: { ...context.clock, ...clock } })
    const verify = (id = snapshotId, options: Partial<VerifyOptions> = {}) =>
      checks.verify(id, {
        queuedAt: clock.now(),
        signal: new AbortController().signal,
        onProgress: () => {},
        ...options,
      })
    return {
      listings,
      verify,
      pass: (ms: number) => {
        now += ms
      },
    }
  }
  const listed = async (listings: unknown[], count: number) => await expect.poll(() => listings.length).toBe(count)

  it('are shared by jobs of one snapshot that were queued before they began', async () => {
    const { listings, verify } = create()
    const all = Promise.all(Array.from({ length: 100 }, () => verify()))
    await listed(listings, 1)
    listings[0]?.release()
    await all
    await verify(snapshotId, { queuedAt: new Date(0) })
    expect(listings.length).toBe(1)
  })

  it('are not shared by a job that was queued after they began', async () => {
    const { listings, verify, pass } = create()
    const early = verify()
    await listed(listings, 1)
    pass(1000)
    const late = [verify(), verify(), verify()]
    listings[0]?.release()
    await early
    await listed(listings, 2)
    listings[1]?.release()
    await Promise.all(late)
    expect(listings.length).toBe(2)
  })

  it('are two at a time', async () => {
    const { listings, verify } = create()
    const { database } = harness.runner.context
    const ids = ['snap_1', 'snap_2', 'snap_3', 'snap_4']
    for (const id of ids)
      await sql`insert into dataset_snapshots select (jsonb_populate_record(s, jsonb_build_object('id', ${id}::text, 'version_hash', ${id}::text))).* from dataset_snapshots s
        where s.id = ${snapshotId}`.execute(database.db)
    const all = Promise.all(ids.map((id) => verify(id)))
    await listed(listings, 2)
    listings[0]?.release()
    await listed(listings, 3)
    for (const each of listings) each.release()
    await listed(listings, 4)
    listings[3]?.release()
    await all
  })

  it('tell every job that waits that the files changed', async () => {
    const { listings, verify } = create()
    const { database } = harness.runner.context
    await sql`update datasets set source = '{"prefix": "x/"}'`.execute(database.db)
    const both = [verify(), verify()].map((one) => one.catch((error: unknown) => error))
    await listed(listings, 1)
    listings[0]?.release(['x/new.png'])
    for (const error of await Promise.all(both)) {
      expect(error).toBeInstanceOf(DatasetChanged)
      expect(String(error)).toContain('added: new.png')
    }
    await sql`update datasets set source = null`.execute(database.db)
  })

  it('end when no job waits for them, and the next job begins another', async () => {
    const { listings, verify } = create()
    const abort = new AbortController()
    const waiting = verify(snapshotId, { signal: abort.signal })
    await listed(listings, 1)
    abort.abort(new Error('cancelled'))
    await expect(waiting).rejects.toThrow('cancelled')
    const next = verify()
    await listed(listings, 2)
    listings[1]?.release()
    await next
  })

  it('are not kept when the store fails', async () => {
    const { listings, verify } = create()
    const first = verify()
    await listed(listings, 1)
    listings[0]?.fail(new Error('the store is down'))
    await expect(first).rejects.toThrow('the store is down')
    const second = verify(snapshotId, { queuedAt: new Date(0) })
    await listed(listings, 2)
    listings[1]?.release()
    await second
  })
})
