import { createHash } from 'node:crypto'
import { ArtifactList, CreateArtifactResponse, DatasetFilesPage, DatasetManifest } from '@trainyard/contract'
import { DEFAULT_AUTH } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dice, png, tarOf } from '../datasets/testing/test-datasets.ts'
import { type Harness, journalOf, noLauncher, startHarness } from '../testing/harness.ts'
import { startTeams, type Teams } from '../testing/teams.ts'

let harness: Harness
let teams: Teams
let dataset: string
beforeAll(async () => {
  harness = await startHarness({
    config: { auth: { ...DEFAULT_AUTH, mode: 'required', allowSignup: true } },
    runner: { launcher: noLauncher },
  })
  teams = await startTeams(harness)
  const file_name = 'images/a.png'
  const annotations = dice([{ file_name, annotations: [{ class_id: 0, bbox: [1, 1, 4, 4] }] }], {
    task_type: 'classification',
  })
  const uploaded = await harness.request('/v1/datasets?name=signed&project=red/default', {
    method: 'POST',
    headers: { ...teams.owner, 'content-type': 'application/x-tar' },
    body: await tarOf({ 'annotations.json': annotations, [file_name]: png(7) }),
  })
  dataset = ((await uploaded.json()) as { id: string }).id
  const { database, store } = harness.runner.context
  const artifact = database.db.selectFrom('artifacts').select('storage_key').where('id', '=', teams.artifactId)
  await store.put((await artifact.executeTakeFirstOrThrow()).storage_key, Buffer.from('weights'))
})
afterAll(() => harness.close())

const send = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
  harness.request(path, {
    method,
    headers: { ...headers, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
const statusOf = async (url: string, init?: RequestInit) => (await fetch(new URL(url, harness.url), init)).status

async function createToken() {
  const scopes = ['jobs:read', 'datasets:read']
  const created = await send('POST', '/v1/tokens', teams.owner, { name: 'reader', scopes })
  const { id, secret } = (await created.json()) as { id: string; secret: string }
  return { headers: { authorization: `Bearer ${secret}` }, end: () => send('DELETE', `/v1/tokens/${id}`, teams.owner) }
}

async function createSession() {
  const created = await send('POST', '/v1/sessions', {}, { email: 'ada@red.test', password: 'correct horse battery' })
  const { secret } = (await created.json()) as { secret: string }
  const headers = { authorization: `Bearer ${secret}` }
  return { headers, end: () => send('DELETE', '/v1/sessions/current', headers) }
}

/** Each answer to people that has signed URLs. */
const ANSWERS: Record<string, (headers: Record<string, string>) => Promise<string>> = {
  'the files of a dataset': async (headers) => {
    const page = DatasetFilesPage.parse(await (await send('GET', `/v1/datasets/${dataset}/files`, headers)).json())
    return page.files[0]?.url ?? ''
  },
  'the artifacts of a job': async (headers) => {
    const answer = await send('GET', `/v1/jobs/${teams.jobId}/artifacts`, headers)
    return ArtifactList.parse(await answer.json()).artifacts[0]?.url ?? ''
  },
  'the download of an artifact': async (headers) => {
    const path = `/v1/jobs/${teams.jobId}/artifacts/${teams.artifactId}/download`
    return (await send('GET', path, headers)).headers.get('location') ?? ''
  },
}

describe.each(Object.entries(ANSWERS))('a signed URL of %s', (_name, urlOf) => {
  it.each([
    ['token', createToken],
    ['session', createSession],
  ])('ends with the %s for which it was made, and with no other', async (_kind, create) => {
    const [one, other] = [await create(), await create()]
    const [url, otherUrl] = [await urlOf(one.headers), await urlOf(other.headers)]
    expect(await statusOf(url)).toBe(200)
    expect((await one.end()).status).toBe(204)
    const refused = await fetch(new URL(url, harness.url))
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(/^The token or session has ended/) })
    expect(await statusOf(otherUrl)).toBe(200)
  })

  it('cannot be given to another bearer', async () => {
    const [one, other] = [await createToken(), await createToken()]
    const [url, otherUrl] = [
      new URL(await urlOf(one.headers), harness.url),
      new URL(await urlOf(other.headers), harness.url),
    ]
    await one.end()
    url.searchParams.set('bearer', otherUrl.searchParams.get('bearer') ?? '')
    expect(await statusOf(url.href)).toBe(403)
    url.searchParams.delete('bearer')
    expect(await statusOf(url.href)).toBe(403)
  })
})

describe('a signed URL of an attempt', () => {
  async function openAttempt() {
    const created = await send('POST', '/v1/jobs', teams.owner, {
      trainer: 'acme/plain',
      dataset,
      project: 'red/default',
    })
    const { id } = (await created.json()) as { id: number }
    return await journalOf(harness, id, 1)
  }
  const bytes = 'weights'
  const announced = {
    kind: 'checkpoint',
    name: 'best.bin',
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }
  const announce = async (journal: Awaited<ReturnType<typeof openAttempt>>) => {
    const { upload } = CreateArtifactResponse.parse(await (await journal.post('/artifacts', announced)).json())
    if (upload.type !== 'single') throw new Error('expected one request')
    return upload.request
  }

  it('ends with the attempt, to read and to write', async () => {
    const journal = await openAttempt()
    const manifest = DatasetManifest.parse(await (await journal.get('/dataset')).json())
    const page = DatasetFilesPage.parse(await (await journal.get('/dataset/files')).json())
    const { method, headers, url: uploadUrl } = await announce(journal)
    const urls = [manifest.annotationFiles[0]?.request.url ?? '', page.files[0]?.url ?? '']
    for (const url of urls) expect(await statusOf(url)).toBe(200)
    expect(await statusOf(uploadUrl, { method, headers, body: bytes })).toBe(200)
    await journal.send(1, [{ type: 'completed', result: { operation: 'train' } }])
    for (const url of urls) expect(await statusOf(url)).toBe(403)
    expect(await statusOf(uploadUrl, { method, headers, body: bytes })).toBe(403)
  })

  it('to write works for a quarter of an hour and the time of the file at 1 MiB a second', async () => {
    const { expiresAt } = await announce(await openAttempt())
    const seconds = (Date.parse(expiresAt ?? '') - harness.runner.context.clock.now().getTime()) / 1000
    expect(seconds).toBeGreaterThan(600)
    expect(seconds).toBeLessThanOrEqual(902)
  })
})
