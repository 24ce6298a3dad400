import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ObjectStore } from '@trainyard/platform'
import { createEmptyDatabase, createTestBucket, type TestBucket } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../lib/run.ts'
import { openBackup } from './backup-files.ts'
import { createBackup } from './create-backup.ts'
import { restoreBackup } from './restore-backup.ts'

const RELEASES = join(ROOT, 'tests', 'fixtures', 'releases')
const quiet = { onProgress: () => {} }
const hasS3 = Boolean(process.env.S3_ENDPOINT)
if (!hasS3)
  console.warn(
    'SKIPPED: backups with S3. They need S3_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of a server on which buckets can be created',
  )

describe.skipIf(!hasS3)('with objects in S3', () => {
  let dir: string
  let databases: Awaited<ReturnType<typeof createEmptyDatabase>>[]
  let buckets: TestBucket[]
  /** A platform, and an empty place for its copy. */
  let [source, target]: Record<string, string>[] = []
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-backup-s3-'))
    databases = [await createEmptyDatabase(), await createEmptyDatabase()]
    buckets = [await createTestBucket(), await createTestBucket()]
    ;[source, target] = buckets.map(({ env }, index) => ({ ...env, DATABASE_URL: databases[index]?.url ?? '' }))
    const [release] = (await readdir(RELEASES, { withFileTypes: true })).filter((entry) => entry.isDirectory())
    const from = join(RELEASES, release?.name ?? '')
    await restoreBackup({ from, dataDir: join(dir, 'source'), env: source ?? {}, ...quiet })
  })
  afterAll(async () => {
    for (const one of [...buckets, ...databases]) await one.drop()
    await rm(dir, { recursive: true, force: true })
  })

  async function contentOf(store: ObjectStore | undefined): Promise<Record<string, string>> {
    const content: Record<string, string> = {}
    for await (const { key } of store?.list('') ?? []) {
      const chunks: Uint8Array[] = []
      for await (const chunk of (await store?.get(key))?.body ?? []) chunks.push(chunk)
      content[key] = Buffer.concat(chunks).toString('base64')
    }
    return content
  }

  it('a backup is restored into another bucket, and a failed restore leaves that empty', async () => {
    const to = join(dir, 'backup')
    await createBackup({ dataDir: join(dir, 'source'), to, env: source ?? {}, ...quiet })
    const whole = await openBackup(to)
    expect(whole.objects.count).toBeGreaterThan(3)

    const damaged = join(dir, 'damaged')
    await cp(to, damaged, { recursive: true })
    const [object = ''] = (await readdir(join(damaged, 'objects'), { recursive: true })).filter((name) =>
      name.endsWith('%'),
    )
    const file = join(damaged, 'objects', object)
    await writeFile(
      file,
      (await readFile(file)).map((byte, index) => (index === 0 ? byte ^ 1 : byte)),
    )
    const dataDir = join(dir, 'target')
    const restore = (from: string) => restoreBackup({ from, dataDir, env: target ?? {}, ...quiet })
    await expect(restore(damaged)).rejects.toThrow('is damaged')
    expect(await contentOf(buckets[1]?.store)).toEqual({})

    await restore(to)
    expect(await contentOf(buckets[1]?.store)).toEqual(await contentOf(buckets[0]?.store))
    const again = join(dir, 'again')
    await createBackup({ dataDir, to: again, env: target ?? {}, ...quiet })
    const copy = await openBackup(again)
    expect(copy.objects).toEqual(whole.objects)
    expect(copy.databases.map(({ tables }) => tables.map(({ name, rows }) => ({ name, rows })))).toEqual(
      whole.databases.map(({ tables }) => tables.map(({ name, rows }) => ({ name, rows }))),
    )
    await expect(restoreBackup({ from: to, dataDir: join(dir, 'more'), env: target ?? {}, ...quiet })).rejects.toThrow(
      'The object store is not empty',
    )
  })
})
