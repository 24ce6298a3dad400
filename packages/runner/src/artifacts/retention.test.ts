import { createHash } from 'node:crypto'
import { ArtifactList, CreateArtifactResponse, RetentionPlan } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseRetention } from '../config/retention.ts'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'
import { applyRetention } from './retention.ts'

type Journal = Awaited<ReturnType<typeof openJournal>>

describe('retention', () => {
  let harness: Harness
  beforeAll(async () => {
    const retention = parseRetention('{"default": {"checkpoint": {"keepLast": 1}, "log": {"days": 30}}}')
    harness = await startHarness({ runner: { launcher: noLauncher }, config: { retention } })
  })
  afterAll(() => harness.close())

  async function upload(journal: Journal, kind: string, name: string): Promise<string> {
    const text = `${journal.jobId} ${encodeURIComponent(name)}`
    const sha256 = createHash('sha256').update(text).digest('hex')
    const body = { kind, name, sizeBytes: text.length, sha256 }
    const { id, upload } = CreateArtifactResponse.parse(await (await journal.post('/artifacts', body)).json())
    if (upload.type === 'single') {
      const { url, headers } = upload.request
      await (await fetch(url, { method: 'PUT', headers, body: text })).arrayBuffer()
    }
    expect((await journal.post(`/artifacts/${id}/complete`, {})).status).toBe(200)
    return id
  }
  async function trained() {
    const journal = await openJournal(harness)
    const ids: string[] = []
    for (const name of ['epoch-1.bin', 'epoch-2.bin', 'epoch-3.bin', 'epoch-4.bin'])
      ids.push(await upload(journal, 'checkpoint', name))
    const events = [0.5, 0.9, 0.7, 0.6].map((value, index) => ({
      type: 'checkpoint',
      artifactId: ids[index],
      name: `epoch-${index + 1}`,
      epoch: index + 1,
      metrics: { top1_accuracy: value, accuracy: value },
    }))
    await journal.send(1, events)
    return { journal, ids }
  }
  const finish = (journal: Journal) =>
    journal.send(5, [{ type: 'completed', result: { operation: 'train', metrics: {} } }])
  const plan = async () =>
    RetentionPlan.parse(await (await harness.request('/v1/retention')).json()).artifacts.map(
      ({ artifactId }) => artifactId,
    )
  const listed = async (jobId: number) =>
    ArtifactList.parse(await (await harness.request(`/v1/jobs/${jobId}/artifacts`)).json()).artifacts.map(
      ({ id }) => id,
    )

  it('keeps the best and the last checkpoint, and checkpoints that a job starts from or exported', async () => {
    const { journal, ids } = await trained()
    expect(await plan()).toEqual([])
    await finish(journal)
    const primary = (await harness.getJob(journal.jobId)).primaryMetric.name
    expect(['accuracy', 'top1_accuracy']).toContain(primary)
    const [first, best, third, last] = ids
    expect(await plan()).toEqual([first, third])
    const user = await openJournal(harness, { checkpoint: first ?? '' })
    expect(await plan()).toEqual([third])

    const removed = await applyRetention(harness.runner.context)
    expect(removed.map(({ artifactId }) => artifactId)).toEqual([third])
    expect(await listed(journal.jobId)).toEqual([first, best, last])
    await user.send(1, [{ type: 'completed', result: { operation: 'train', metrics: {} } }])
    await applyRetention(harness.runner.context)
    expect(await listed(journal.jobId)).toEqual([best, last])
    const keys: string[] = []
    for await (const { key } of harness.runner.context.store.list(`jobs/${journal.jobId}/`)) keys.push(key)
    expect(keys).toHaveLength(2)
  })

  it('keeps other kinds of artifacts for the configured days', async () => {
    const journal = await openJournal(harness)
    const id = await upload(journal, 'log', 'train.log')
    await journal.send(1, [{ type: 'completed', result: { operation: 'train', metrics: {} } }])
    expect(await plan()).toEqual([])
    await harness.runner.context.database.db
      .updateTable('artifacts')
      .set({ completed_at: new Date(Date.now() - 31 * 86_400_000) })
      .where('id', '=', id)
      .execute()
    expect(await plan()).toEqual([id])
  })

  it('artifacts can be downloaded by name, and deleted unless a job needs them', async () => {
    const journal = await openJournal(harness)
    const id = await upload(journal, 'checkpoint', 'folder/größe.bin')
    const path = `/v1/jobs/${journal.jobId}/artifacts/${id}`
    const redirect = await harness.request(`${path}/download`)
    expect(redirect.status).toBe(302)
    const location = redirect.headers.get('location') ?? ''
    // The redirect is followed at once: its URL works for a minute, and no longer than that after a token is revoked.
    expect(Number(new URL(location).searchParams.get('expires')) - Date.now() / 1000).toBeLessThanOrEqual(61)
    const file = await fetch(location)
    expect(file.headers.get('content-disposition')).toContain(encodeURIComponent('größe.bin'))
    expect(await file.text()).toBe(`${journal.jobId} folder%2Fgr%C3%B6%C3%9Fe.bin`)
    const user = await openJournal(harness, { checkpoint: id })
    expect((await harness.request(path, { method: 'DELETE' })).status).toBe(409)
    await user.send(1, [{ type: 'completed', result: { operation: 'train', metrics: {} } }])
    expect((await harness.request(path, { method: 'DELETE' })).status).toBe(204)
    expect((await harness.request(path, { method: 'DELETE' })).status).toBe(404)
    expect((await harness.request(`${path}/download`)).status).toBe(404)
    expect(await listed(journal.jobId)).toEqual([])
  })

  it.each(['{', '[]', '{"default": {"weights": {}}}', '{"default": {"log": {"days": 0}}}'])(
    'rejects the rules %s',
    (text) => {
      expect(() => parseRetention(text)).toThrow(/must be/)
    },
  )
})
