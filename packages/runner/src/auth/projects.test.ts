import { DEFAULT_AUTH } from '@trainyard/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, noLauncher, startHarness } from '../testing/harness.ts'
import { startTeams, type Teams } from '../testing/teams.ts'

describe('projects', () => {
  let harness: Harness
  let teams: Teams
  beforeAll(async () => {
    const auth = { ...DEFAULT_AUTH, mode: 'required', allowSignup: true } as const
    harness = await startHarness({ runner: { launcher: noLauncher }, config: { auth } })
    teams = await startTeams(harness)
  })
  afterAll(() => harness.close())

  async function create(body: object, headers: Record<string, string>) {
    const response = await harness.post('/v1/jobs', { trainer: 'acme/plain', ...body }, headers)
    return { status: response.status, body: await response.json() }
  }

  it('isolate inputs: those of another team or project are reported as missing', async () => {
    const foreign = await create({ dataset: teams.datasetId }, teams.blue)
    const nothing = await create({ dataset: 'ds_nothing' }, teams.blue)
    expect([foreign.status, nothing.status]).toEqual([422, 422])
    expect(foreign.body.issues).toMatchObject([{ path: 'dataset', detail: nothing.body.issues[0].detail }])
    expect((await create({ dataset: teams.datasetId, project: 'red/empty' }, teams.member)).status).toBe(422)
    const named = await create({ dataset: teams.datasetId, project: 'red/default' }, teams.blue)
    expect(named.body.issues).toMatchObject([{ path: 'project', detail: 'must be one of your projects: blue/default' }])
  })

  it('have idempotency keys of their own', async () => {
    const key = { idempotencyKey: 'nightly' }
    const first = await create({ dataset: teams.datasetId, ...key }, teams.member)
    expect(first.status).toBe(201)
    expect(await create({ dataset: teams.datasetId, ...key, project: 'red/default' }, teams.member)).toMatchObject({
      status: 200,
      body: { id: first.body.id },
    })
    // Neither the other team's job nor a conflict: the key is new to this team.
    expect((await create({ dataset: teams.datasetId, ...key }, teams.blue)).status).toBe(422)
  })

  it('write actions to the audit log, and only those that succeeded', async () => {
    const made = await create({ dataset: teams.datasetId }, teams.member)
    const path = `/v1/jobs/${made.body.id}`
    await harness.request(path, { method: 'DELETE', headers: teams.member })
    await harness.request(`${path}/cancel`, { method: 'POST', headers: teams.member })
    await harness.request(`${path}/restart`, { method: 'POST', headers: teams.owner })
    const audit = await harness.runner.context.identity.listAudit({ subject: `job:${made.body.id}` })
    expect(audit.map(({ action }) => action)).toEqual(['job.restart', 'job.cancel', 'job.create'])
    expect(audit[0]).toMatchObject({ actor: teams.ownerId, organisationId: expect.any(String) })
  })

  it('are reported with each of their jobs', async () => {
    const made = await create({ dataset: teams.datasetId }, teams.member)
    expect(made.body.project).toBe('red/default')
    const read = await harness.request(`/v1/jobs/${made.body.id}`, { headers: teams.viewer })
    expect(await read.json()).toMatchObject({ project: 'red/default' })
    const list = await harness.request('/v1/jobs', { headers: teams.viewer })
    expect(((await list.json()) as { jobs: { project?: string }[] }).jobs[0]?.project).toBe('red/default')
  })

  it('filter the list of jobs', async () => {
    const list = async (query: string) => {
      const response = await harness.request(`/v1/jobs${query}`, { headers: teams.viewer })
      return ((await response.json()) as { jobs: unknown[] }).jobs.length
    }
    expect(await list('')).toBeGreaterThan(0)
    expect(await list('?project=red/empty')).toBe(0)
    expect(await list('?project=blue/default')).toBe(0)
  })
})

describe('without accounts', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ runner: { launcher: noLauncher } })
  })
  afterAll(() => harness.close())
  const request = async (headers: Record<string, string>, method = 'GET') =>
    (await harness.request('/v1/jobs', { method, headers })).status

  it('every caller on this machine is the owner', async () => {
    expect(await request({})).toBe(200)
    expect(await request({ host: 'localhost:7600' })).toBe(200)
    expect(await request({ cookie: 'trainyard_session=stale' })).toBe(200)
  })

  it('a page whose host name was rebound to this machine is rejected', async () => {
    expect(await request({ host: 'evil.test:7600', origin: 'http://evil.test:7600' })).toBe(401)
    expect(await request({ host: '127.0.0.1:7600', 'x-forwarded-host': 'evil.test' })).toBe(401)
  })

  it('a page of another site is rejected', async () => {
    for (const method of ['GET', 'POST', 'DELETE'])
      expect(await request({ host: 'localhost:7600', origin: 'http://evil.test' }, method)).toBe(403)
    expect(await request({ host: 'localhost:7600', 'sec-fetch-site': 'cross-site' }, 'POST')).toBe(403)
  })

  it('an invalid token is rejected instead of ignored', async () => {
    expect(await request({ authorization: 'Bearer ty_wrong' })).toBe(401)
  })
})
