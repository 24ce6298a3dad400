import { createHash } from 'node:crypto'
import { CreateArtifactResponse, DatasetList } from '@trainyard/contract'
import { DEFAULT_AUTH } from '@trainyard/platform'
import { onDemand } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dice, png, tarOf } from '../datasets/testing/test-datasets.ts'
import { type Harness, noLauncher, openJournal, startHarness } from '../testing/harness.ts'
import { startTeams, type Teams } from '../testing/teams.ts'

describe('an upload of a dataset', () => {
  let harness: Harness
  let teams: Teams
  beforeAll(async () => {
    harness = await startHarness({
      config: { auth: { ...DEFAULT_AUTH, mode: 'required', allowSignup: true } },
      runner: { launcher: noLauncher },
    })
    teams = await startTeams(harness)
  })
  afterAll(() => harness.close())

  const send = (method: string, path: string, body?: unknown) =>
    harness.request(path, {
      method,
      headers: { ...teams.owner, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })

  /** Sends half of the dataset, waits for `meanwhile`, and sends the rest. */
  async function upload(name: string, authorization: string, meanwhile: () => Promise<unknown>): Promise<Response> {
    const file_name = 'images/a.png'
    const annotations = dice([{ file_name, annotations: [{ class_id: 0, bbox: [1, 1, 4, 4] }] }], {
      task_type: 'classification',
    })
    const bytes = await tarOf({ 'annotations.json': annotations, [file_name]: png(7) })
    const middle = Math.floor(bytes.length / 2)
    // Read only once the request has been accepted.
    async function* parts() {
      yield bytes.subarray(0, middle)
      await meanwhile()
      yield bytes.subarray(middle)
    }
    const body = onDemand(parts())
    return await harness.request(`/v1/datasets?name=${name}&project=red/default`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-tar' },
      body,
      duplex: 'half',
    } as RequestInit)
  }

  async function createToken(): Promise<{ id: string; authorization: string }> {
    const response = await send('POST', '/v1/tokens', { name: 'ci', scopes: ['datasets:write', 'datasets:read'] })
    const { id, secret } = (await response.json()) as { id: string; secret: string }
    return { id, authorization: `Bearer ${secret}` }
  }

  const names = async () =>
    DatasetList.parse(await (await send('GET', '/v1/datasets')).json()).datasets.map(({ name }) => name)

  it('is refused at its end when its token was revoked meanwhile, and leaves nothing', async () => {
    const { id, authorization } = await createToken()
    const response = await upload('taken-back', authorization, () => send('DELETE', `/v1/tokens/${id}`))
    expect(response.status).toBe(401)
    expect(await names()).not.toContain('taken-back')
    const { db } = harness.runner.context.database
    expect(await db.selectFrom('dataset_uploads').select('id').execute()).toEqual([])
  })

  it('is stored when its token is still valid', async () => {
    const { authorization } = await createToken()
    expect((await upload('kept', authorization, async () => {})).status).toBe(201)
    expect(await names()).toContain('kept')
  })
})

describe('an upload of an artifact', () => {
  let harness: Harness
  let onRead: () => Promise<unknown>
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
    const { store } = harness.runner.context
    const get = store.get.bind(store)
    store.get = async (...args) => {
      await onRead()
      return await get(...args)
    }
  })
  afterAll(() => harness.close())

  it('is refused at its completion when the attempt, and so its token, ends while the bytes are checked', async () => {
    onRead = async () => {}
    const journal = await openJournal(harness)
    const bytes = 'weights'
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const announced = { kind: 'checkpoint', name: 'best.bin', sizeBytes: bytes.length, sha256 }
    const created = CreateArtifactResponse.parse(await (await journal.post('/artifacts', announced)).json())
    if (created.upload.type !== 'single') throw new Error('not single')
    const { method, url, headers } = created.upload.request
    expect((await fetch(url, { method, headers, body: bytes })).ok).toBe(true)
    const { db } = harness.runner.context.database
    let reads = 0
    onRead = async () => {
      reads++
      await db.updateTable('attempts').set({ closed_at: new Date() }).where('job_id', '=', journal.jobId).execute()
    }
    const refused = await journal.post(`/artifacts/${created.id}/complete`, {})
    expect(reads).toBeGreaterThan(0)
    expect(refused.status).toBe(409)
    expect(await refused.json()).toMatchObject({ code: 'job_finished' })
    const row = await db.selectFrom('artifacts').select('completed_at').where('id', '=', created.id).executeTakeFirst()
    expect(row?.completed_at).toBeNull()
  })
})
