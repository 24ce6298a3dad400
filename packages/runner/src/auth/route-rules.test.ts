import { DEFAULT_AUTH } from '@trainyard/platform'
import {
  type DocumentedRoute,
  IDENTITY_ROUTES,
  isSufficient,
  openApiRoutes,
  type RouteRule,
  SCOPES_OF_RED,
} from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runnerOpenApi } from '../app.ts'
import { type Harness, noLauncher, startHarness } from '../testing/harness.ts'
import { startTeams, type Teams } from '../testing/teams.ts'
import { RUNNER_ROUTES } from './runner-routes.cases.ts'

/** Every route of the runner for people. A new one fails the first test until it is classified. */
const RULES: Readonly<Record<string, RouteRule>> = { ...IDENTITY_ROUTES, ...RUNNER_ROUTES }
const ALL = openApiRoutes(runnerOpenApi())
const ROUTES = ALL.filter(({ security }) => !security.includes('jobToken'))
const ofTrainers = ALL.filter(({ security }) => security.includes('jobToken'))

describe('every route for people', () => {
  let harness: Harness
  let teams: Teams
  let tokens: Map<string, string>
  let jobToken: string
  beforeAll(async () => {
    harness = await startHarness({
      runner: { launcher: noLauncher },
      config: { auth: { ...DEFAULT_AUTH, mode: 'required', allowSignup: true } },
    })
    teams = await startTeams(harness)
    tokens = new Map()
    for (const scope of SCOPES_OF_RED) {
      const response = await harness.post('/v1/tokens', { name: scope, scopes: [scope] }, teams.owner)
      tokens.set(scope, ((await response.json()) as { secret: string }).secret)
    }
    jobToken = (await harness.runner.context.tokens.issue({ jobId: teams.jobId, attempt: 1 })).value
  })
  afterAll(() => harness.close())

  /** A valid request to a resource of red that does not exist, so that a token with the scope changes as little as possible. */
  async function call({ name, method, path }: DocumentedRoute, secret: string): Promise<Response> {
    const filled = path
      .replace('jobs/{id}', `jobs/${teams.jobId + 7_000_000}`)
      .replace(/^\/v1\/datasets\/\{id\}/, '/v1/datasets/ds_nothing')
      .replace('{organisation}', 'red')
      .replace('{account}', 'acc_nothing')
      .replace(/\{\w+\}/, 'nothing')
    const headers: Record<string, string> = { authorization: `Bearer ${secret}` }
    const isUpload = name === 'POST /v1/datasets' || name === 'POST /v1/datasets/{id}/versions'
    const body = isUpload ? 'not an archive' : JSON.stringify(BODIES[name]?.() ?? {})
    if (!isUpload) headers['content-type'] = 'application/json'
    const response = await harness.request(`${filled}${isUpload ? '?name=x&project=red/default' : ''}`, {
      method,
      headers,
      body: method === 'GET' ? null : body,
    })
    await response.body?.cancel()
    return response
  }

  it('is classified: which scope it needs, and what it writes to the audit', () => {
    expect(ROUTES.map(({ name }) => name).toSorted()).toEqual(Object.keys(RULES).toSorted())
    for (const [name, { audit, outside }] of Object.entries(RULES))
      expect([name, [audit, outside].filter((one) => one !== undefined).length]).toEqual([
        name,
        name.startsWith('GET ') ? 0 : 1,
      ])
  })

  it.each(ROUTES)(
    '$name accepts the scopes that it needs, and answers 403 to a token with any other',
    async (route) => {
      const needs = RULES[route.name]?.needs ?? 'nothing'
      const refused: string[] = []
      for (const [scope, secret] of tokens) {
        const { status } = await call(route, secret)
        if (status === 403) refused.push(scope)
      }
      expect(refused).toEqual(SCOPES_OF_RED.filter((scope) => !isSufficient(scope, needs)))
    },
  )

  it.each(ROUTES.filter(({ name }) => RULES[name]?.needs !== 'nothing'))(
    '$name refuses the token of a job',
    async (route) => {
      expect((await call(route, jobToken)).status).toBe(401)
    },
  )

  it.each(ofTrainers)('$name, which is for trainers, refuses the tokens of people', async (route) => {
    for (const scope of ['admin:*', 'jobs:write']) expect((await call(route, tokens.get(scope) ?? '')).status).toBe(401)
  })
})

/** Bodies that are valid, so that only the scope decides. */
const BODIES: Record<string, () => unknown> = {
  'POST /v1/accounts': () => ({ email: `${crypto.randomUUID()}@blue.test`, password: 'correct horse battery' }),
  'POST /v1/accounts/invitations': () => ({ email: `${crypto.randomUUID()}@blue.test` }),
  'POST /v1/sessions/codes/redeem': () => ({ secret: 'ty_none' }),
  'POST /v1/sessions': () => ({ email: 'none@red.test', password: 'wrong' }),
  'POST /v1/accounts/password-resets/redeem': () => ({ secret: 'ty_none', newPassword: 'correct horse battery' }),
  'POST /v1/jobs': () => ({ trainer: 'acme/unknown', project: 'red/default' }),
  'POST /v1/jobs/check': () => ({ trainer: 'acme/unknown', project: 'red/default' }),
  'POST /v1/tokens': () => ({ name: 'child', scopes: ['tokens:manage'] }),
  'POST /v1/me/password': () => ({ currentPassword: 'correct horse battery', newPassword: 'taken by an intruder' }),
  'POST /v1/accounts/password-resets': () => ({ email: 'ada@red.test' }),
  'POST /v1/organisations': () => ({ slug: `purple-${crypto.randomUUID().slice(0, 8)}` }),
  'POST /v1/organisations/{organisation}/members': () => ({ email: 'vera@red.test', role: 'viewer' }),
  'POST /v1/organisations/{organisation}/invitations/redeem': () => ({ secret: 'ty_none' }),
  'POST /v1/organisations/{organisation}/projects': () => ({ slug: `p-${crypto.randomUUID().slice(0, 8)}` }),
}
