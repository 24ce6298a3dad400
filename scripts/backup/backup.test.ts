import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ArtifactList, LogPage, MetricSeriesList, StoredEventPage } from '@trainyard/contract'
import { createFolderStore } from '@trainyard/platform'
import { createEmptyDatabase } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, isOver, startHarness } from '../../packages/runner/src/testing/harness.ts'
import { createBackup } from './create-backup.ts'
import { restoreBackup } from './restore-backup.ts'

const SCHEMAS = { databaseSchema: 'runner', identitySchemaPrefix: '' }
const quiet = { onProgress: () => {} }

describe('a backup', () => {
  let dir: string
  let original: Harness
  let databases: Awaited<ReturnType<typeof createEmptyDatabase>>[]
  /** Settings of the platform that is backed up, and of the one that is restored. */
  let env: Record<string, string>
  let otherEnv: Record<string, string>
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-backup-'))
    databases = [await createEmptyDatabase(), await createEmptyDatabase()]
    const [one, other] = databases
    original = await startHarness({ start: true, config: { ...SCHEMAS, databaseUrl: one?.url ?? '' } })
    env = { DATABASE_URL: one?.url ?? '', STORAGE_DIR: join(dirname(original.config.dataDir), 'store') }
    otherEnv = { DATABASE_URL: other?.url ?? '' }
  })
  afterAll(async () => {
    await original.close()
    for (const database of databases) await database.drop()
    await rm(dir, { recursive: true, force: true })
  })

  const readAll = async (harness: Harness, jobId: number, attempt: number) => {
    const get = async (path: string) => await (await harness.request(`/v1/jobs/${jobId}${path}`)).json()
    return {
      events: StoredEventPage.parse(await get(`/events?attempt=${attempt}&limit=1000`)).events,
      lines: LogPage.parse(await get(`/logs?attempt=${attempt}&limit=1000`)).lines,
      artifacts: ArtifactList.parse(await get('/artifacts')).artifacts,
      series: MetricSeriesList.parse(await get(`/metrics?attempt=${attempt}&points=10000`)).series,
    }
  }

  it('of a running job is restored with everything that was acknowledged, and the job goes on', async () => {
    const created = await original.createJob({ config: { epochs: 400, epoch_ms: 20, save_every: 3 } })
    await original.waitFor(created.id, (job) => (job.progress.epoch ?? 0) >= 20)
    const before = await readAll(original, created.id, 1)
    expect(before.artifacts.length).toBeGreaterThan(3)

    const to = join(dir, 'running')
    const manifest = await createBackup({ dataDir: join(dir, 'unused'), to, env, ...quiet })
    expect(manifest.objects.count).toBeGreaterThanOrEqual(before.artifacts.length)
    expect((await stat(to)).mode & 0o777).toBe(0o700)
    await original.request(`/v1/jobs/${created.id}/cancel`, { method: 'POST' })

    const dataDir = join(dir, 'restored')
    await restoreBackup({ from: to, dataDir, env: otherEnv, ...quiet })
    const store = createFolderStore({ dir: join(dataDir, 'objects'), publicUrl: original.url, secret: 's'.repeat(32) })
    const restored = await startHarness({
      config: { ...SCHEMAS, databaseUrl: otherEnv.DATABASE_URL ?? '' },
      runner: { store },
    })
    try {
      const after = await readAll(restored, created.id, 1)
      expect(after.events.slice(0, before.events.length)).toEqual(before.events)
      expect(after.lines.slice(0, before.lines.length)).toEqual(before.lines)
      for (const { name, points } of before.series)
        expect(after.series.find((series) => series.name === name)?.points.slice(0, points.length)).toEqual(points)
      const rows = await restored.runner.context.database.db
        .selectFrom('artifacts')
        .selectAll()
        .where('completed_at', 'is not', null)
        .execute()
      expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(before.artifacts.map(({ id }) => id)))
      // Every object that the dump names is in the backup, also those that came while it was written.
      for (const row of rows) expect((await store.find(row.storage_key))?.sizeBytes).toBe(Number(row.size_bytes))
      // Ids are not given out again.
      expect((await restored.createJob({ config: { epochs: 1 } })).id).toBeGreaterThan(created.id)
      await restored.runner.start()
      // Its process was not restored: the job is tried again, free of charge.
      const job = await restored.waitFor(created.id, ({ attempt }) => attempt === 2)
      expect(job.endReason).not.toBe('cancelled_by_user')
    } finally {
      await restored.request(`/v1/jobs/${created.id}/cancel`, { method: 'POST' })
      await restored.waitFor(created.id, isOver)
      await restored.close()
    }
  })

  it('that is interrupted leaves nothing', async () => {
    const abort = new AbortController()
    const backup = createBackup({
      dataDir: join(dir, 'unused'),
      to: join(dir, 'interrupted'),
      env,
      signal: abort.signal,
      onProgress: (text) => {
        if (text.startsWith('objects')) abort.abort(new Error('stopped'))
      },
    })
    await expect(backup).rejects.toThrow('stopped')
    expect((await readdir(dir)).filter((name) => name.startsWith('interrupted'))).toEqual([])
    // Deletions are no longer held.
    const left = await original.runner.context.database.query<{ locks: number }>(
      {
        name: 'locks',
        text: `select count(*)::int as locks from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock'
          and database = (select oid from pg_database where datname = current_database())`,
      },
      [],
    )
    expect(left[0]?.locks).toBe(0)
  })

  it('is refused where something already is, and says what to do', async () => {
    const to = join(dir, 'taken')
    await mkdir(to)
    await expect(createBackup({ dataDir: dir, to, env, ...quiet })).rejects.toThrow('already exists')
    await expect(createBackup({ dataDir: dir, to: join(dir, 'none'), env: {}, ...quiet })).rejects.toThrow(
      'contains no database; pass the data folder with --data',
    )
  })

  describe('is restored only if', () => {
    let from: string
    const restore = (options: { dataDir?: string; env?: Record<string, string> } = {}) =>
      restoreBackup({ from, dataDir: join(dir, randomBytes(4).toString('hex')), env: otherEnv, ...options, ...quiet })
    beforeAll(async () => {
      from = join(dir, 'whole')
      await createBackup({ dataDir: join(dir, 'unused'), to: from, env, ...quiet })
    })

    it('the folder is empty', async () => {
      const dataDir = join(dir, 'full')
      await mkdir(dataDir)
      await writeFile(join(dataDir, 'something'), '')
      await expect(restore({ dataDir })).rejects.toThrow('is not empty: it has "something"')
    })

    it('the database is empty', async () => {
      await expect(restore({ env })).rejects.toThrow(/already has tables in schema|is not empty/)
      await expect(restore({ env: { DATABASE_URL: env.DATABASE_URL ?? '' } })).rejects.toThrow(
        'already has tables in schema "identity"; restore into an empty database',
      )
    })

    it('this release knows its migrations', async () => {
      const file = join(from, 'backup.json')
      const text = await readFile(file, 'utf8')
      await writeFile(file, text.replace('20261120T1100-jobs', '20991231T0000-later'))
      await expect(restore()).rejects.toThrow('newer release: this one does not know the migration 20991231T0000-later')
      await writeFile(file, text)
    })

    it('no byte of it has changed', async () => {
      const objects = join(from, 'objects')
      const [object] = (await readdir(objects, { recursive: true })).filter((name) => name.endsWith('%'))
      const file = join(objects, object ?? '')
      const bytes = await readFile(file)
      await writeFile(file, Buffer.concat([Buffer.from([(bytes[0] ?? 0) ^ 1]), bytes.subarray(1)]))
      await expect(restore()).rejects.toThrow(/The object ".*" of the backup is damaged/)
      await writeFile(file, bytes)
      await appendFile(join(from, 'database', 'runner', 'jobs.jsonl.gz'), 'x')
      await expect(restore()).rejects.toThrow('is damaged: database/runner/jobs.jsonl.gz has')
      expect((await readdir(dir)).filter((name) => name.endsWith('.restoring'))).toEqual([])
    })

    it('it is a backup', async () => {
      from = dir
      await expect(restore()).rejects.toThrow('is not a backup: it has no readable file "backup.json"')
    })
  })
})
