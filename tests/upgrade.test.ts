import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventsResponse, Job } from '@trainyard/contract'
import { createEmptyDatabase } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { journalOf } from '../packages/runner/src/testing/harness.ts'
import { OBJECTS_LIST, ObjectEntry, readLines } from '../scripts/backup/backup-files.ts'
import { restoreBackup } from '../scripts/backup/restore-backup.ts'
import { type Answers, readAnswers } from '../scripts/release-fixture/fill-platform.ts'
import { openPlatform, type Platform } from '../scripts/release-fixture/open-platform.ts'

const RELEASES = join(import.meta.dirname, 'fixtures', 'releases')
const releases = (await readdir(RELEASES, { withFileTypes: true })).filter((entry) => entry.isDirectory())

/** Lists of jobs no longer have what a trainer can make large. Each job has it, and is in the list of paths too. */
function ofToday(path: string, answer: unknown): unknown {
  if (path !== '/v1/jobs') return answer
  const { jobs } = answer as { jobs: Job[] }
  return { jobs: jobs.map(({ id, name, state, attempt, trainer }) => ({ id, name, state, attempt, trainer })) }
}

describe.each(releases.map(({ name }) => name))('data of release %s', (release) => {
  const from = join(RELEASES, release)
  let dir: string
  let expected: Answers
  let database: Awaited<ReturnType<typeof createEmptyDatabase>>
  let platform: Platform
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-upgrade-'))
    expected = JSON.parse(await readFile(join(from, 'expected.json'), 'utf8')) as Answers
    database = await createEmptyDatabase()
    await restoreBackup({
      from,
      dataDir: join(dir, 'data'),
      env: { DATABASE_URL: database.url },
      onProgress: () => {},
    })
    // Runs the migrations of today.
    platform = await openPlatform({ databaseUrl: database.url, objectsDir: join(dir, 'data', 'objects') })
  })
  afterAll(async () => {
    await platform.close()
    await database.drop()
    await rm(dir, { recursive: true, force: true })
  })

  it('is found completely through the API', async () => {
    const paths = Object.keys(expected)
    expect(paths.length).toBeGreaterThan(20)
    const answers = await readAnswers(platform, paths)
    for (const path of paths) expect({ [path]: answers[path] }).toMatchObject({ [path]: ofToday(path, expected[path]) })
  })

  it('has every object with its bytes', async () => {
    let count = 0
    for await (const line of readLines(from, OBJECTS_LIST)) {
      const { key, sizeBytes, sha256 } = ObjectEntry.parse(JSON.parse(line))
      expect(await platform.store.find(key)).toMatchObject({ sizeBytes, etag: `"${sha256}"` })
      count += 1
    }
    expect(count).toBeGreaterThan(3)
  })

  it('is used: a running job goes on, and a new one starts', async () => {
    const list = expected['/v1/jobs'] as { jobs: Job[] }
    const running = list.jobs.find(({ name }) => name === 'running')
    if (running === undefined) throw new Error('the fixture has no running job')
    const journal = await journalOf(platform.runner, running.id, running.attempt)
    const empty = EventsResponse.parse(await (await journal.send(1, [])).json())
    await journal.send(empty.acknowledged + 1, [
      { type: 'log', level: 'info', message: 'after the upgrade' },
      { type: 'completed', result: { operation: 'train' } },
    ])
    expect(Job.parse(await (await platform.request(`/v1/jobs/${running.id}`)).json())).toMatchObject({
      state: 'succeeded',
    })
    const created = await platform.runner.createJob({ config: { epochs: 1 } })
    expect(created.id).toBeGreaterThan(Math.max(...list.jobs.map(({ id }) => id)))
  })
})
