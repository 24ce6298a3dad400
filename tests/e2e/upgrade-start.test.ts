import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Job } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { restoreBackup } from '../../scripts/backup/restore-backup.ts'
import { type Answers, readAnswers } from '../../scripts/release-fixture/fill-platform.ts'
import type { Platform } from '../../scripts/release-fixture/open-platform.ts'
import { type RunningServer, startServer, stopServer } from './server.ts'

const RELEASES = join(import.meta.dirname, '..', 'fixtures', 'releases')
const releases = (await readdir(RELEASES, { withFileTypes: true })).filter((entry) => entry.isDirectory())

describe.each(releases.map(({ name }) => name))('a data folder of release %s', (release) => {
  let dir: string
  let server: RunningServer
  let expected: Answers
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'trainyard-upgrade-start-'))
    const from = join(RELEASES, release)
    expected = JSON.parse(await readFile(join(from, 'expected.json'), 'utf8')) as Answers
    // With the migrations of that release, and an embedded PostgreSQL in the folder.
    await restoreBackup({ from, dataDir: join(dir, 'data'), env: {}, onProgress: () => {} })
    server = await startServer(join(dir, 'data'))
  }, 300_000)
  afterAll(async () => {
    await stopServer(server)
    await rm(dir, { recursive: true, force: true })
  })

  it('is started by the real program, which finds everything in it', async () => {
    const { jobs } = expected['/v1/jobs'] as { jobs: Job[] }
    const request = async (path: string) =>
      await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${server.token}` } })
    // The process of a running job is gone, so the job is tried again. A start adds tokens of its own.
    const changing = jobs.filter(({ state }) => state === 'running').map(({ id }) => `/v1/jobs/${id}`)
    const isStable = (path: string) =>
      path !== '/v1/jobs' &&
      path !== '/v1/tokens' &&
      !changing.some((job) => path === job || path.startsWith(`${job}/`))
    const paths = Object.keys(expected).filter(isStable)
    expect(paths.length).toBeGreaterThan(15)
    const answers = await readAnswers({ request } as Platform, [...paths, '/v1/jobs', '/v1/tokens'])
    for (const path of paths) expect({ [path]: answers[path] }).toMatchObject({ [path]: expected[path] })
    const idsOf = (list: unknown, name: string) =>
      (list as Record<string, { id: unknown }[]>)[name]?.map(({ id }) => id)
    expect(idsOf(answers['/v1/jobs'], 'jobs')).toEqual(jobs.map(({ id }) => id))
    expect(idsOf(answers['/v1/tokens'], 'tokens')).toEqual(
      expect.arrayContaining(idsOf(expected['/v1/tokens'], 'tokens') ?? []),
    )
    for (const { id, state } of jobs.filter((job) => job.state === 'succeeded')) {
      const artifacts = (await (await request(`/v1/jobs/${id}/artifacts`)).json()) as { artifacts: { url: string }[] }
      for (const { url } of artifacts.artifacts) expect((await fetch(url)).status, state).toBe(200)
    }
  }, 120_000)
})
