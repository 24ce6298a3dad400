import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  /** Not as the harness sends it: without the owner's token. */
  const request = async (headers: Record<string, string>, method = 'GET') =>
    (await harness.runner.app.request('/v1/jobs', { method, headers })).status

  it('another user of this machine is rejected, and learns how the owner gets in', async () => {
    const response = await harness.runner.app.request('/v1/jobs')
    expect(response.status).toBe(401)
    const { detail } = (await response.json()) as { detail: string }
    for (const words of ['npm start -- --link', 'trainyard open', '.trainyard/owner-token'])
      expect(detail).toContain(words)
    expect(await request({ host: 'localhost:7600' })).toBe(401)
    expect(await request({ cookie: 'trainyard_session=stale' })).toBe(401)
    expect(await request({ 'x-forwarded-for': '127.0.0.1' })).toBe(401)
  })

  it('the owner gets in with the token of the data folder, and a browser with a link that works once', async () => {
    const { identity } = harness.runner.context
    const folder = await mkdtemp(join(tmpdir(), 'trainyard-owner-'))
    const { secret, file } = await identity.keepOwnerToken(folder)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await identity.keepOwnerToken(folder)).secret).toBe(secret)
    const owner = { authorization: `Bearer ${secret}` }
    expect(await request(owner)).toBe(200)
    const me = await (await harness.runner.app.request('/v1/me', { headers: owner })).json()
    expect(me).toMatchObject({ credentials: 'local', account: { displayName: 'Local owner', operator: true } })

    const made = await harness.runner.app.request('/v1/sessions/codes', { method: 'POST', headers: owner })
    const code = ((await made.json()) as { secret: string }).secret
    expect(await request({ authorization: `Bearer ${code}` })).toBe(401)
    const redeem = () =>
      harness.runner.app.request('/v1/sessions/codes/redeem', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ secret: code }),
      })
    const session = (await (await redeem()).json()) as { secret: string }
    const cookie = `trainyard_session=${session.secret}`
    expect(await request({ cookie })).toBe(200)
    expect((await redeem()).status).toBe(401)
    // The cookie is of this host name, and of our own pages.
    expect(await request({ cookie, host: 'evil.test:7600' })).toBe(401)
    expect(await request({ cookie, host: 'localhost:7600', origin: 'http://evil.test' }, 'POST')).toBe(403)

    await rm(folder, { recursive: true })
    await mkdir(folder)
    expect((await identity.keepOwnerToken(folder)).secret).not.toBe(secret)
    expect(await request(owner)).toBe(401)
    await rm(folder, { recursive: true })
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
