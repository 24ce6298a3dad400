import { createHash } from 'node:crypto'
import { type Artifact, ArtifactList, CheckpointInput, CreateArtifactResponse, Problem } from '@trainyard/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'
import { MULTIPART_FROM_BYTES, planParts } from './upload-parts.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('artifacts', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())
  const announce = (bytes: string, name = 'best.bin') => ({
    kind: 'checkpoint',
    name,
    sizeBytes: bytes.length,
    sha256: sha256(bytes),
  })
  type Journal = Awaited<ReturnType<typeof openJournal>>
  const create = async (journal: Journal, body: unknown) =>
    CreateArtifactResponse.parse(await (await journal.post('/artifacts', body)).json())
  async function put(created: CreateArtifactResponse, bytes: string): Promise<Response> {
    if (created.upload.type !== 'single') throw new Error(`not single: ${created.upload.type}`)
    const { method, url, headers } = created.upload.request
    return await fetch(url, { method, headers, body: bytes })
  }

  it('exist only once their bytes are checked, and then need no second upload', async () => {
    const journal = await openJournal(harness)
    const created = await create(journal, announce('weights'))
    expect((await journal.post(`/artifacts/${created.id}/complete`, {})).status).toBe(422)
    const list = async () => await (await harness.request(`/v1/jobs/${journal.jobId}/artifacts`)).json()
    expect(await list()).toEqual({ artifacts: [] })
    expect((await put(created, 'weights')).ok).toBe(true)
    for (const _ of [1, 2]) {
      const done = await journal.post(`/artifacts/${created.id}/complete`, {})
      expect((await done.json()) as Artifact).toMatchObject({ id: created.id, name: 'best.bin', sizeBytes: 7 })
    }
    expect(await list()).toMatchObject({ artifacts: [{ id: created.id }] })
    expect(await create(journal, announce('weights'))).toEqual({ id: created.id, upload: { type: 'none' } })
  })

  it('are listed in pages, with the epoch of their checkpoint however large it is', async () => {
    const journal = await openJournal(harness)
    const ids: string[] = []
    for (const bytes of ['one', 'two', 'three']) {
      const created = await create(journal, announce(bytes, `${bytes}.bin`))
      await put(created, bytes)
      await journal.post(`/artifacts/${created.id}/complete`, {})
      ids.push(created.id)
    }
    await journal.send(1, [{ type: 'checkpoint', artifactId: ids[0], name: 'one', epoch: 2 ** 40 }])
    const list = async (query: string) =>
      ArtifactList.parse(await (await harness.request(`/v1/jobs/${journal.jobId}/artifacts?${query}`)).json())
    const first = await list('limit=2')
    expect(first.artifacts.map(({ id, epoch }) => [id, epoch])).toEqual([
      [ids[0], 2 ** 40],
      [ids[1], undefined],
    ])
    const second = await list(`limit=2&cursor=${first.nextCursor}`)
    expect([second.artifacts.map(({ id }) => id), second.nextCursor]).toEqual([[ids[2]], undefined])
  })

  it('keep their id when they are announced again', async () => {
    const journal = await openJournal(harness)
    const first = await create(journal, announce('again'))
    expect((await create(journal, announce('again'))).id).toBe(first.id)
  })

  it('reject bytes that differ from the announcement', async () => {
    const journal = await openJournal(harness)
    const created = await create(journal, announce('expected'))
    expect((await put(created, 'replaced')).ok).toBe(false)
    // Even when they were put into the store in another way.
    const row = await harness.runner.context.database.db
      .selectFrom('artifacts')
      .select('storage_key')
      .where('id', '=', created.id)
      .executeTakeFirstOrThrow()
    await harness.runner.context.store.put(row.storage_key, new TextEncoder().encode('replaced'))
    const response = await journal.post(`/artifacts/${created.id}/complete`, {})
    expect(Problem.parse(await response.json())).toMatchObject({
      status: 422,
      detail: expect.stringContaining('sha256'),
    })
    expect(await harness.runner.context.store.find(row.storage_key)).toBeUndefined()
  })

  it.each(['../../other/best.bin', '/etc/passwd', 'a//b', 'a\\b', '', '.', 'a/../b', 'a\u0000b'])(
    'refuse the name %j',
    async (name) => {
      const journal = await openJournal(harness)
      expect((await journal.post('/artifacts', announce('x', name))).status).toBe(400)
    },
  )

  it('of another job cannot be completed', async () => {
    const [mine, other] = [await openJournal(harness), await openJournal(harness)]
    const created = await create(mine, announce('mine'))
    expect((await other.post(`/artifacts/${created.id}/complete`, {})).status).toBe(404)
  })

  it('are uploaded in parts from 64 MiB on', async () => {
    const journal = await openJournal(harness)
    const body = { ...announce('x'), sizeBytes: MULTIPART_FROM_BYTES + 1 }
    const { upload } = await create(journal, body)
    if (upload.type !== 'parts') throw new Error(upload.type)
    expect(upload.parts.map((part) => [part.partNumber, part.offset])).toEqual([
      [1, 0],
      [2, 33_554_432],
      [3, 67_108_864],
    ])
    expect(upload.parts.reduce((sum, part) => sum + part.sizeBytes, 0)).toBe(body.sizeBytes)
    expect(planParts(1024 ** 4).length).toBeLessThanOrEqual(10_000)
  })

  describe('have quotas', () => {
    let small: Harness
    beforeAll(async () => {
      const limits = {
        maxJobArtifactBytes: 300e6,
        maxJobArtifacts: 4,
        maxProjectArtifactBytes: 500e6,
        maxProjectArtifacts: 1000,
      }
      small = await startHarness({ runner: { launcher: noLauncher }, config: { limits } })
    })
    afterAll(() => small.close())
    const big = (name: string, sizeBytes: number) => ({ kind: 'other', name, sizeBytes, sha256: sha256(name) })

    it('in bytes of a job: what is announced counts, also when many are announced at the same time', async () => {
      const journal = await openJournal(small)
      const names = Array.from({ length: 12 }, (_, index) => `part-${index}.bin`)
      const responses = await Promise.all(names.map((name) => journal.post('/artifacts', big(name, 100e6))))
      const statuses = responses.map(({ status }) => status)
      expect(statuses.filter((status) => status === 200)).toHaveLength(3)
      const refused = responses.find(({ status }) => status !== 200)
      expect(Problem.parse(await refused?.json())).toMatchObject({
        status: 413,
        code: 'payload_too_large',
        quota: 'maxJobArtifactBytes',
        used: 300e6,
        limit: 300e6,
        detail: expect.stringMatching(/quota of job \d+ is 300 MB.*has 100 MB.*ARTIFACT_MAX_GB_PER_JOB/),
      })
      // What was announced before can be announced again.
      const known = names[statuses.indexOf(200)] ?? ''
      expect((await journal.post('/artifacts', big(known, 100e6))).status).toBe(200)
      // Another job of the project has what is left of the project's quota.
      const other = await openJournal(small)
      expect((await other.post('/artifacts', big('a.bin', 150e6))).status).toBe(200)
      const full = Problem.parse(await (await other.post('/artifacts', big('b.bin', 100e6))).json())
      expect(full).toMatchObject({ status: 413, quota: 'maxProjectArtifactBytes', used: 450e6, limit: 500e6 })
    })

    it('in number of files of a job', async () => {
      const journal = await openJournal(small)
      const status = async (name: string) => (await journal.post('/artifacts', big(name, 1))).status
      for (const name of ['a', 'b', 'c', 'd']) expect(await status(name)).toBe(200)
      const refused = Problem.parse(await (await journal.post('/artifacts', big('e', 1))).json())
      expect(refused).toMatchObject({ status: 413, quota: 'maxJobArtifacts', used: 4, limit: 4 })
    })
  })

  it('serve as the checkpoint of another job', async () => {
    const journal = await openJournal(harness)
    const created = await create(journal, announce('base'))
    await put(created, 'base')
    await journal.post(`/artifacts/${created.id}/complete`, {})
    const next = await openJournal(harness, { checkpoint: created.id })
    const input = CheckpointInput.parse(await (await next.get('/inputs/checkpoint')).json())
    expect(input).toMatchObject({ artifactId: created.id, sizeBytes: 4 })
    expect(await (await fetch(input.request.url)).text()).toBe('base')
    expect((await journal.get('/inputs/checkpoint')).status).toBe(404)
  })
})
