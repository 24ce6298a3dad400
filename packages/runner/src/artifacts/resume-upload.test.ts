import { createHash, randomBytes } from 'node:crypto'
import { CreateArtifactResponse, Problem } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runMaintenance } from '../maintenance/run-maintenance.ts'
import { type Harness, journalOf, noLauncher, openJournal, startHarness } from '../testing/harness.ts'
import { MULTIPART_FROM_BYTES } from './upload-parts.ts'

const PART = 32 * 1024 ** 2

describe('an upload in parts', () => {
  let harness: Harness
  const bytes = randomBytes(MULTIPART_FROM_BYTES + 1000)
  const announcement = {
    kind: 'checkpoint',
    name: 'last.bin',
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())
  type Journal = Awaited<ReturnType<typeof openJournal>>
  async function announce(journal: Journal, body: object = announcement) {
    const created = CreateArtifactResponse.parse(await (await journal.post('/artifacts', body)).json())
    if (created.upload.type !== 'parts') throw new Error(created.upload.type)
    return { id: created.id, ...created.upload }
  }
  type Announced = Awaited<ReturnType<typeof announce>>
  async function put({ parts }: Announced, partNumber: number, body = bytes): Promise<string> {
    const part = parts.find((each) => each.partNumber === partNumber)
    if (part === undefined) throw new Error(`part ${partNumber} is not wanted`)
    const { method, url, headers, offset, sizeBytes } = part
    const response = await fetch(url, { method, headers, body: body.subarray(offset, offset + sizeBytes) })
    expect(response.ok).toBe(true)
    return response.headers.get('etag') ?? ''
  }

  it('continues in another attempt with the missing parts', async () => {
    const first = await openJournal(harness)
    const begun = await announce(first)
    const etag = await put(begun, 2)
    await first.send(1, [{ type: 'failed', errorType: 'NetworkError', message: 'gone', retryable: false }])
    await harness.post(`/v1/jobs/${first.jobId}/restart`, {})
    const second = await journalOf(harness, first.jobId, 2)
    const again = await announce(second)
    expect(again.id).toBe(begun.id)
    expect(again.held).toEqual([{ partNumber: 2, sizeBytes: PART, etag }])
    expect(again.parts.map(({ partNumber }) => partNumber)).toEqual([1, 3])

    await put(again, 1)
    const early = await second.post(`/artifacts/${begun.id}/complete`, {})
    expect(Problem.parse(await early.json()).detail).toContain('missing: 3')
    await put(again, 3)
    // The parts that it uploaded itself are enough: the store knows the others.
    expect((await second.post(`/artifacts/${begun.id}/complete`, {})).status).toBe(200)
    const { artifacts } = (await (await harness.request(`/v1/jobs/${first.jobId}/artifacts`)).json()) as {
      artifacts: unknown[]
    }
    expect(artifacts).toMatchObject([{ id: begun.id, attempt: 2, sha256: announcement.sha256 }])
  })

  it('with other bytes than announced creates no artifact and starts again', async () => {
    const journal = await openJournal(harness)
    const begun = await announce(journal)
    const other = Buffer.from(bytes)
    other[PART + 5] = (other[PART + 5] ?? 0) ^ 1
    const parts = []
    for (const partNumber of [1, 2, 3]) parts.push({ partNumber, etag: await put(begun, partNumber, other) })
    const wrong = await journal.post(`/artifacts/${begun.id}/complete`, { parts: [{ partNumber: 1, etag: '"no"' }] })
    expect(wrong.status).toBe(400)
    const refused = await journal.post(`/artifacts/${begun.id}/complete`, { parts })
    expect(Problem.parse(await refused.json())).toMatchObject({
      status: 422,
      detail: expect.stringContaining('sha256'),
    })
    const again = await announce(journal)
    expect(again.id).not.toBe(begun.id)
    expect(again.held).toEqual([])
  })

  it('that the store has discarded starts again under the same id', async () => {
    const journal = await openJournal(harness)
    const begun = await announce(journal)
    await put(begun, 1)
    const { store, database } = harness.runner.context
    const row = await database.db
      .selectFrom('artifacts')
      .selectAll()
      .where('id', '=', begun.id)
      .executeTakeFirstOrThrow()
    await store.abortMultipart(row.storage_key, row.upload_id ?? '')
    const again = await announce(journal)
    expect([again.id, again.held, again.parts.length]).toEqual([begun.id, [], 3])
  })

  it('is deleted with its parts one hour after the end of the job, and not before', async () => {
    const [over, live] = [await openJournal(harness), await openJournal(harness)]
    const [gone, kept] = [await announce(over), await announce(live)]
    await put(gone, 1)
    await over.send(1, [{ type: 'completed', result: { operation: 'train' } }])
    const { database, store } = harness.runner.context
    const find = async (id: string) =>
      await database.db.selectFrom('artifacts').selectAll().where('id', '=', id).executeTakeFirst()
    const row = await find(gone.id)
    await runMaintenance(harness.runner.context)
    expect(await find(gone.id)).toBeDefined()
    await database.db
      .updateTable('jobs')
      .set({ finished_at: new Date(Date.now() - 2 * 3600 * 1000) })
      .where('id', '=', over.jobId)
      .execute()
    await runMaintenance(harness.runner.context)
    expect(await find(gone.id)).toBeUndefined()
    expect(await find(kept.id)).toBeDefined()
    await expect(store.listParts(row?.storage_key ?? '', row?.upload_id ?? '')).rejects.toMatchObject({
      code: 'not_found',
    })
    expect(await database.db.selectFrom('pending_deletions').selectAll().execute()).toEqual([])
  })
})
