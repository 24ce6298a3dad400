import { DEFAULT_AUTH } from '@trainyard/platform'
import { IDENTITY_ROUTES } from '@trainyard/platform/testing'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { dice, png, tarOf } from '../datasets/testing/test-datasets.ts'
import { type Harness, noLauncher, startHarness } from '../testing/harness.ts'
import { insertCheckpoint } from '../testing/insert-checkpoint.ts'
import { predictingSource } from '../testing/predicting-source.ts'
import { startTeams, type Teams } from '../testing/teams.ts'
import { RUNNER_ROUTES } from './runner-routes.cases.ts'

interface Row {
  actor: string
  actor_name: string | null
  credentials: string | null
  token_id: string | null
  action: string
  subject_name: string | null
  organisation_id: string | null
  address: string | null
}

let harness: Harness
let teams: Teams
beforeAll(async () => {
  harness = await startHarness({
    runner: { launcher: noLauncher, trainers: predictingSource() },
    config: { auth: { ...DEFAULT_AUTH, mode: 'required', allowSignup: true } },
  })
  teams = await startTeams(harness)
})
afterAll(() => harness.close())

const send = async (method: string, path: string, body?: unknown, by = teams.owner) => {
  const headers = { ...by, 'content-type': 'application/json' }
  return await harness.request(path, { method, headers, body: body === undefined ? null : JSON.stringify(body) })
}
const idOf = async (response: Promise<Response>) => String(((await (await response).json()) as { id: unknown }).id)
const newJob = () =>
  idOf(
    send('POST', '/v1/jobs', {
      trainer: 'acme/plain',
      dataset: teams.datasetId,
      name: 'night run',
      project: 'red/default',
    }),
  )
const endedJob = async () => {
  const id = await newJob()
  await send('POST', `/v1/jobs/${id}/cancel`)
  return id
}
const members = '/v1/organisations/red/members'
const invite = async (organisation: string, email: string, by = teams.owner) => {
  const invited = await send('POST', `/v1/organisations/${organisation}/members`, { email, role: 'viewer' }, by)
  return ((await invited.json()) as { secret: string }).secret
}
const sendPicture = (jobId: string) =>
  harness.request(`/v1/jobs/${jobId}/artifacts/art_of_${jobId}/predictions?name=a.png`, {
    method: 'POST',
    headers: { ...teams.owner, 'content-type': 'image/png' },
    body: png(1) as Uint8Array<ArrayBuffer>,
  })
let uploads = 0
const newDataset = () => upload(++uploads, `/v1/datasets?name=shapes-${uploads}&project=red/default`)
const upload = async (index: number, path: string) => {
  const file_name = 'images/a.png'
  const annotations = dice([{ file_name, annotations: [{ class_id: 0, bbox: [1, 1, 4, 4] }] }], {
    task_type: 'classification',
  })
  return await harness.request(path, {
    method: 'POST',
    headers: { ...teams.owner, 'content-type': 'application/x-tar' },
    body: await tarOf({ 'annotations.json': annotations, [file_name]: png(index) }),
  })
}

/** For each route that writes to the audit: what has to exist before, and the call. */
const CALLS: Record<
  string,
  { before?: () => Promise<string>; call: (id: string) => Promise<Response>; name?: string }
> = {
  'POST /v1/organisations': { call: () => send('POST', '/v1/organisations', { slug: 'violet' }), name: 'violet' },
  'POST /v1/organisations/{organisation}/members': {
    call: () => send('POST', members, { email: 'vera@red.test', role: 'member' }),
    name: 'vera',
  },
  'DELETE /v1/organisations/{organisation}/members/{account}': {
    before: async () => {
      const secret = await invite('red', 'bob@blue.test')
      await send('POST', '/v1/organisations/red/invitations/redeem', { secret }, teams.blue)
      const me = (await (await send('GET', '/v1/me', undefined, teams.blue)).json()) as { account: { id: string } }
      return me.account.id
    },
    call: (id) => send('DELETE', `${members}/${id}`),
    name: 'bob',
  },
  'DELETE /v1/organisations/{organisation}/invitations/{invitation}': {
    before: () => idOf(send('POST', members, { email: 'new@red.test', role: 'viewer' })),
    call: (id) => send('DELETE', `/v1/organisations/red/invitations/${id}`),
    name: 'new@red.test',
  },
  'POST /v1/organisations/{organisation}/invitations/redeem': {
    before: () => invite('blue', 'ada@red.test', teams.blue),
    call: (secret) => send('POST', '/v1/organisations/blue/invitations/redeem', { secret }),
    name: 'ada',
  },
  'POST /v1/organisations/{organisation}/projects': {
    call: () => send('POST', '/v1/organisations/red/projects', { slug: 'second' }),
    name: 'red/second',
  },
  'POST /v1/tokens': {
    call: () => send('POST', '/v1/tokens', { name: 'nightly', scopes: ['jobs:read'], organisation: 'red' }),
    name: 'nightly',
  },
  'DELETE /v1/tokens/{id}': {
    before: () => idOf(send('POST', '/v1/tokens', { name: 'old', scopes: ['jobs:read'], organisation: 'red' })),
    call: (id) => send('DELETE', `/v1/tokens/${id}`),
    name: 'old',
  },
  'POST /v1/jobs': {
    call: () =>
      send('POST', '/v1/jobs', {
        trainer: 'acme/plain',
        dataset: teams.datasetId,
        name: 'first',
        project: 'red/default',
      }),
    name: 'first',
  },
  'POST /v1/jobs/{id}/cancel': {
    before: newJob,
    call: (id) => send('POST', `/v1/jobs/${id}/cancel`),
    name: 'night run',
  },
  'POST /v1/jobs/{id}/restart': {
    before: endedJob,
    call: (id) => send('POST', `/v1/jobs/${id}/restart`, {}),
    name: 'night run',
  },
  'DELETE /v1/jobs/{id}': { before: endedJob, call: (id) => send('DELETE', `/v1/jobs/${id}`), name: 'night run' },
  'DELETE /v1/jobs/{id}/artifacts/{artifactId}': {
    call: () => send('DELETE', `/v1/jobs/${teams.jobId}/artifacts/${teams.artifactId}`),
    name: 'crimson-job',
  },
  'POST /v1/jobs/{id}/artifacts/{artifactId}/predictions': {
    before: async () => {
      const id = await newJob()
      await insertCheckpoint(harness.runner.context, Number(id), `art_of_${id}`)
      // The first picture also starts a job.
      await sendPicture(id)
      return id
    },
    call: sendPicture,
    name: expect.stringMatching(/^Try best\.bin of job \d+$/),
  },
  'POST /v1/datasets': { call: newDataset, name: 'shapes-1' },
  'POST /v1/datasets/{id}/versions': {
    before: () => idOf(newDataset()),
    call: (id) => upload(99, `/v1/datasets/${id}/versions`),
    name: expect.stringMatching(/^shapes-[23]$/),
  },
  'DELETE /v1/datasets/{id}': {
    before: () => idOf(newDataset()),
    call: (id) => send('DELETE', `/v1/datasets/${id}`),
    name: expect.stringMatching(/^shapes-[23]$/),
  },
}
const AUDITED = Object.entries({ ...IDENTITY_ROUTES, ...RUNNER_ROUTES }).flatMap(([name, { audit }]) =>
  audit === undefined ? [] : [{ name, audit }],
)

it('every route that changes something of an organisation has a call here', () => {
  expect(Object.keys(CALLS).toSorted()).toEqual(AUDITED.map(({ name }) => name).toSorted())
})

it.each(AUDITED)('$name writes one row, with the organisation, the session and names', async ({ name, audit }) => {
  const { before, call, name: subject } = CALLS[name] ?? { call: async () => new Response(null, { status: 500 }) }
  const id = (await before?.()) ?? ''
  const { identity, database } = harness.runner.context
  const read = async () =>
    (await sql<Row>`select * from ${sql.id(identity.schema, 'audit')} order by id`.execute(database.db)).rows
  const known = (await read()).length
  const response = await call(id)
  expect([name, response.status, response.ok ? '' : await response.text()]).toEqual([name, response.status, ''])
  const rows = (await read()).slice(known)
  expect(rows.map(({ action }) => action)).toEqual([audit])
  expect(rows[0]).toMatchObject({
    actor: teams.ownerId,
    actor_name: 'ada',
    credentials: 'session',
    token_id: teams.sessionId,
    subject_name: subject,
    organisation_id: expect.stringMatching(/^org_/),
    address: 'unknown',
  })
})

it('what is refused writes no row', async () => {
  const before = JSON.stringify(await teams.state())
  for (const [method, path] of [
    ['DELETE', `/v1/jobs/${teams.jobId + 7_000_000}`],
    ['DELETE', '/v1/datasets/ds_nothing'],
    ['DELETE', '/v1/tokens/tok_nothing'],
    ['DELETE', `${members}/acc_nothing`],
  ] as const)
    expect((await send(method, path)).status).toBe(404)
  expect(JSON.stringify(await teams.state())).toBe(before)
})
