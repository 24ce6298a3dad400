import { DEFAULT_AUTH } from '@trainyard/platform'
import { type DocumentedRoute, openApiRoutes } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runnerOpenApi } from '../app.ts'
import { type Harness, noLauncher, startHarness } from '../testing/harness.ts'
import { startTeams, type Teams } from '../testing/teams.ts'

type Route = DocumentedRoute

/** Every documented route for people. */
const ROUTES: Route[] = openApiRoutes(runnerOpenApi()).filter(({ security }) => !security.includes('jobToken'))
/** Sign up, sign in and public keys: need no credentials. */
const PUBLIC = [
  'GET /.well-known/jwks.json',
  'GET /v1/accounts/sign-up',
  'POST /v1/accounts',
  'POST /v1/sessions',
  'POST /v1/accounts/password-resets/redeem',
  'POST /v1/sessions/codes/redeem',
]
/** Concern only the caller: open to every valid credential. */
const OWN = [
  'GET /v1/me',
  'GET /v1/organisations',
  'GET /v1/tokens',
  'POST /v1/tokens',
  'POST /v1/organisations',
  'DELETE /v1/sessions/current',
  'GET /v1/sessions',
  'POST /v1/me/password',
  'POST /v1/accounts/password-resets',
]
/** Concern one resource of the caller, in whatever team. */
const ONE_OF_OWN = [
  'DELETE /v1/tokens/{id}',
  'DELETE /v1/sessions/{id}',
  // Of the person who was invited, who is no member yet.
  'POST /v1/organisations/{organisation}/invitations/redeem',
]
const GUARDED = ROUTES.filter(({ name }) => !PUBLIC.includes(name))
const WITH_SUBJECT = GUARDED.filter(({ path }) => path.includes('{'))
const OF_A_TEAM = GUARDED.filter(({ name }) => ![...OWN, ...ONE_OF_OWN].includes(name))

describe('every route for people', () => {
  let harness: Harness
  let teams: Teams
  beforeAll(async () => {
    harness = await startHarness({
      runner: { launcher: noLauncher },
      config: { auth: { ...DEFAULT_AUTH, mode: 'required', allowSignup: true } },
    })
    teams = await startTeams(harness)
  })
  afterAll(() => harness.close())

  /** The path with ids of the red team, or with ids that do not exist. */
  function fill(path: string, of: 'red' | 'nothing'): string {
    const { jobId, datasetId, snapshotId, tokenId, sessionId, ownerId, artifactId } = teams
    const ids: [RegExp, Record<'red' | 'nothing', string>][] = [
      [/^\/v1\/jobs\/\{id\}/, { red: `/v1/jobs/${jobId}`, nothing: `/v1/jobs/${jobId + 7_000_000}` }],
      [/^\/v1\/datasets\/\{id\}/, { red: `/v1/datasets/${datasetId}`, nothing: '/v1/datasets/ds_nothing' }],
      [/^\/v1\/snapshots\/\{id\}/, { red: `/v1/snapshots/${snapshotId}`, nothing: '/v1/snapshots/snap_nothing' }],
      [/^\/v1\/tokens\/\{id\}/, { red: `/v1/tokens/${tokenId}`, nothing: '/v1/tokens/tok_nothing' }],
      [/^\/v1\/sessions\/\{id\}/, { red: `/v1/sessions/${sessionId}`, nothing: '/v1/sessions/ses_nothing' }],
      [
        /^\/v1\/organisations\/\{organisation\}/,
        { red: '/v1/organisations/red', nothing: '/v1/organisations/nothing' },
      ],
      [/\{predictionId\}/, { red: artifactId, nothing: artifactId }],
      [/\{artifactId\}/, { red: artifactId, nothing: artifactId }],
      [/\{account\}/, { red: ownerId, nothing: ownerId }],
      [/\{invitation\}/, { red: 'inv_nothing', nothing: 'inv_nothing' }],
    ]
    const filled = ids.reduce((text, [pattern, by]) => text.replace(pattern, by[of]), path)
    if (filled.includes('{')) throw new Error(`add a value for the parameter in ${filled} to this test`)
    return filled
  }

  async function call({ method, path, name }: Route, headers: Record<string, string>, of: 'red' | 'nothing' = 'red') {
    const body = BODIES[name]?.(teams)
    const isUpload = name === 'POST /v1/datasets' || name === 'POST /v1/datasets/{id}/versions'
    const queries: Record<string, string> = {
      'POST /v1/datasets': '?name=intruder&project=red/default',
      'GET /v1/datasets/{id}/picture': '?path=a.png',
    }
    const query = queries[name] ?? ''
    return await harness.request(fill(path, of) + query, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      body: isUpload ? 'not a tar archive' : body === undefined ? null : JSON.stringify(body),
    })
  }

  it('is documented', () => {
    expect(GUARDED.length).toBeGreaterThan(25)
    expect(WITH_SUBJECT.map(({ name }) => name)).toContain('GET /v1/jobs/{id}/live')
  })

  it.each(GUARDED)('$name returns 401 without credentials and with invalid ones', async (route) => {
    const before = await teams.state()
    const invalid = [undefined, 'Basic YTpi', 'Bearer ty_nonsense', 'Bearer a.b.c', teams.expired, teams.revoked]
    for (const authorization of invalid) {
      const response = await call(route, authorization === undefined ? {} : { authorization })
      expect([authorization, response.status]).toEqual([authorization, 401])
      expect(await response.json()).toMatchObject({ code: 'unauthenticated' })
    }
    const stale = await call(route, { cookie: `trainyard_session=${teams.revoked.slice('Bearer '.length)}` })
    expect(stale.status).toBe(401)
    expect(await teams.state()).toEqual(before)
  })

  it.each(WITH_SUBJECT)('$name returns the same 404 to another team as for a missing resource', async (route) => {
    const before = await teams.state()
    const known = await call(route, teams.blue, 'red')
    const unknown = await call(route, teams.blue, 'nothing')
    expect([known.status, unknown.status]).toEqual([404, 404])
    const comparable = async (response: Response, of: 'red' | 'nothing') => {
      const [, , , id = ''] = fill(route.path, of).split('/')
      const { traceId: _, ...problem } = (await response.json()) as Record<string, unknown>
      return JSON.stringify(problem).replaceAll(new RegExp(`\\b${id}\\b`, 'g'), '…')
    }
    expect(await comparable(known, 'red')).toBe(await comparable(unknown, 'nothing'))
    expect([...known.headers.keys()].sort()).toEqual([...unknown.headers.keys()].sort())
    // Invalid queries reveal nothing either.
    const odd = await harness.request(`${fill(route.path, 'red')}?limit=x&points=x&attempt=x`, {
      method: route.method,
      headers: teams.blue,
    })
    const oddNothing = await harness.request(`${fill(route.path, 'nothing')}?limit=x&points=x&attempt=x`, {
      method: route.method,
      headers: teams.blue,
    })
    expect(odd.status).toBe(oddNothing.status)
    expect(await teams.state()).toEqual(before)
  })

  it.each(GUARDED.filter(({ method, path }) => method === 'GET' && !path.includes('{')))(
    '$name reveals nothing to another team',
    async (route) => {
      const response = await call(route, teams.blue)
      expect(response.status).toBe(200)
      const text = await response.text()
      for (const secret of teams.secrets) expect(text).not.toContain(secret)
    },
  )

  it.each(OF_A_TEAM.filter(({ method }) => method !== 'GET'))('$name returns 403 to a viewer', async (route) => {
    const before = await teams.state()
    const response = await call(route, teams.viewer)
    expect([response.status, await response.json()]).toMatchObject([403, { code: 'forbidden' }])
    expect(await teams.state()).toEqual(before)
  })

  it.each(OF_A_TEAM)('$name returns 403 to a token with insufficient scope', async (route) => {
    const before = await teams.state()
    const isOfPeople = route.path.startsWith('/v1/organisations')
    // Every token of an organisation can list its projects.
    const allowed = isOfPeople && route.method === 'GET' && route.path.endsWith('/projects')
    const response = await call(route, teams.small)
    expect(response.status).toBe(allowed ? 200 : 403)
    const elsewhere = await call(route, teams.limited)
    expect([403, 404, 422, ...(allowed || route.method === 'GET' ? [200] : [])]).toContain(elsewhere.status)
    if (elsewhere.status === 200 && !isOfPeople)
      for (const secret of teams.secrets) expect(await elsewhere.clone().text()).not.toContain(secret)
    expect(await teams.state()).toEqual(before)
  })

  it('about an account rejects tokens, and password resets reject callers who are not operators', async () => {
    const before = await teams.state()
    const ofAccounts = GUARDED.filter(({ path }) => /sessions|password/.test(path) && path !== '/v1/sessions/current')
    expect(ofAccounts).toHaveLength(5)
    for (const route of ofAccounts)
      expect([route.name, (await call(route, teams.small)).status]).toEqual([route.name, 403])
    const [reset] = ofAccounts.filter(({ path }) => path.endsWith('/password-resets'))
    if (reset !== undefined) expect((await call(reset, teams.owner)).status).toBe(403)
    expect(await teams.state()).toEqual(before)
  })

  it.each(OF_A_TEAM.filter(({ method }) => method === 'GET'))('$name serves the team', async (route) => {
    const audit = route.path.endsWith('/audit')
    const response = await call(route, audit ? teams.owner : teams.viewer)
    expect(response.status).toBe(SERVED[route.name] ?? 200)
    await response.body?.cancel()
  })
})

/** Statuses other than 200. The dataset has one version, of images only. */
const SERVED: Readonly<Record<string, number>> = {
  'GET /v1/jobs/{id}/artifacts/{artifactId}/download': 302,
  'GET /v1/datasets/{id}/diff': 400,
  'GET /v1/datasets/{id}/report': 422,
}

/** Valid request bodies, so that only the guard can reject a request. */
const BODIES: Record<string, (teams: Teams) => unknown> = {
  'POST /v1/jobs': ({ datasetId }) => ({ trainer: 'acme/plain', dataset: datasetId, project: 'red/default' }),
  'POST /v1/jobs/check': ({ datasetId }) => ({ trainer: 'acme/plain', dataset: datasetId, project: 'red/default' }),
  'POST /v1/tokens': () => ({ name: 'more', scopes: ['jobs:read'] }),
  'POST /v1/me/password': () => ({ currentPassword: 'correct horse battery', newPassword: 'taken by an intruder' }),
  'POST /v1/accounts/password-resets': () => ({ email: 'ada@red.test' }),
  'POST /v1/accounts/invitations': () => ({ email: 'intruder@x.test' }),
  'POST /v1/organisations': () => ({ slug: 'purple' }),
  'POST /v1/organisations/{organisation}/members': () => ({ email: 'bob@blue.test', role: 'viewer' }),
  'POST /v1/organisations/{organisation}/invitations/redeem': () => ({ secret: 'ty_none' }),
  'POST /v1/organisations/{organisation}/projects': () => ({ slug: 'intruder' }),
}
