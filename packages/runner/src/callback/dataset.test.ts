import { DatasetFilesPage, DatasetManifest, Problem } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'

describe('the dataset of a job', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())

  it('is readable only with the job token', async () => {
    const journal = await openJournal(harness)
    const manifest = DatasetManifest.parse(await (await journal.get('/dataset')).json())
    expect(manifest).toMatchObject({ datasetId: 'ds_test', name: 'shapes', taskType: 'classification' })
    const job = await harness.getJob(journal.jobId)
    expect(job.dataset).toMatchObject({ snapshotId: manifest.snapshotId, versionHash: manifest.versionHash })
    expect(DatasetFilesPage.parse(await (await journal.get('/dataset/files?limit=10')).json())).toEqual({ files: [] })
    for (const path of ['/dataset', '/dataset/files', '/inputs/checkpoint'])
      expect((await harness.request(`/v1/jobs/${journal.jobId}${path}`)).status).toBe(401)
  })

  it('is not readable once the attempt is closed', async () => {
    const journal = await openJournal(harness)
    await journal.send(1, [{ type: 'completed', result: { operation: 'train' } }])
    expect(Problem.parse(await (await journal.get('/dataset')).json())).toMatchObject({ code: 'job_finished' })
  })

  it.each(['limit=0', 'limit=many', 'all=perhaps'])('rejects the query %s', async (query) => {
    const journal = await openJournal(harness)
    expect((await journal.get(`/dataset/files?${query}`)).status).toBe(400)
  })

  it('cannot be deleted while a job needs it', async () => {
    await openJournal(harness)
    expect((await harness.request('/v1/datasets/ds_test', { method: 'DELETE' })).status).toBe(409)
  })
})
