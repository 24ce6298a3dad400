import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DEFAULT_AUTH } from '@trainyard/platform'
import { type DocumentedRoute, openApiRoutes } from '@trainyard/platform/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registryOpenApi } from '../openapi.ts'
import { OCI_ENDPOINTS } from '../repositories/endpoints.ts'
import { createHarness, type Harness, passes, reportOf } from '../testing/harness.ts'
import { PASSWORD } from '../testing/people.ts'
import { startTeams, type Teams } from '../testing/teams.ts'
import type { ValidateFunction } from '../validation/validate.ts'

type Route = Pick<DocumentedRoute, 'name' | 'method' | 'path'>
type Subject = 'red' | 'nothing'

/** The endpoints below /v2, which are not in the OpenAPI document: one path for each regular expression. */
const OCI_PATHS = [
  '/v2/{repository}/blobs/uploads/',
  '/v2/{repository}/blobs/uploads/{upload}',
  '/v2/{repository}/blobs/{blob}',
  '/v2/{repository}/manifests/{digest}',
  '/v2/{repository}/tags/list',
  '/v2/{repository}/referrers/{digest}',
]
const OCI: Route[] = OCI_ENDPOINTS.flatMap(({ methods }, index) =>
  Object.keys(methods).map((method) => ({
    name: `${method} ${OCI_PATHS[index]}`,
    method,
    path: OCI_PATHS[index] ?? '',
  })),
)
const DOCUMENTED: Route[] = openApiRoutes(registryOpenApi())
/** Signing up and in need no credential. */
const WITHOUT_CREDENTIAL = [
  'GET /v1/accounts/sign-up',
  'POST /v1/accounts',
  'POST /v1/sessions',
  'POST /v1/accounts/password-resets/redeem',
  'POST /v1/sessions/codes/redeem',
  'GET /v1/publishing',
  'POST /v1/publishing/tokens',
  // The signature of the statement is the credential.
  'POST /v1/runs',
]
/** Published versions are readable by everyone. */
const isOpen = ({ path }: Route) => /^\/(v1\/(trainers|checks|feed)|v2)/.test(path)
const GUARDED = [...DOCUMENTED, ...OCI].filter(({ name }) => !WITHOUT_CREDENTIAL.includes(name))
const CLOSED = GUARDED.filter((route) => !isOpen(route))
/** Routes of a single resource. */
const WITH_SUBJECT = GUARDED.filter(({ path }) => path.includes('{'))
const OF_RED = WITH_SUBJECT.filter(({ path }) => !/^\/v1\/(tokens|sessions)/.test(path))
const isReading = ({ method }: Route) => method === 'GET' || method === 'HEAD'

/** Passes everything except trainers that contain "secret". */
const validate: ValidateFunction = async (options) => {
  if (!(await readFile(join(options.dir, 'trainer.json'), 'utf8')).includes('secret')) return await passes(options)
  return reportOf([{ name: 'compliance', status: 'failed', findings: [] }], options.onCheck)
}

/** Nested deeper than any body may be. */
const REFUSED_BODY = `{"x":${'['.repeat(100)}${']'.repeat(100)}}`

describe('every route of the registry', () => {
  let harness: Harness
  let teams: Teams
  beforeAll(async () => {
    harness = await createHarness({
      validate,
      config: { auth: { ...DEFAULT_AUTH, mode: 'required', allowSignup: true } },
    })
    await harness.registry.start()
    teams = await startTeams(harness)
  })
  afterAll(() => harness.close())

  const CHANGES = GUARDED.filter((route) => !isReading(route) && route.path.startsWith('/v1/'))
  it.each(CHANGES)('$name verifies credentials before it reads a body', async ({ method, path }) => {
    const headers = { 'content-type': 'application/json' }
    const body = method === 'DELETE' ? null : REFUSED_BODY
    expect((await harness.request(fill(path, 'red'), { method, headers, body })).status).toBe(401)
  })

  /** Fills in red's ids, or ids that do not exist. */
  function fill(path: string, subject: Subject): string {
    const { checkId, tokenId, sessionId, ownerId, digest, blob, upload } = teams
    const none = `sha256:${'0'.repeat(64)}`
    const values: Record<string, Record<Subject, string>> = {
      '{repository}': { red: 'red/crimson-secret', nothing: 'red/nothing-at-all' },
      '{namespace}/{name}': { red: 'red/crimson-secret', nothing: 'red/nothing-at-all' },
      '{version}': { red: '1.0.0', nothing: '1.0.0' },
      '{namespace}/webhooks': { red: 'red/webhooks', nothing: 'nothing/webhooks' },
      '{namespace}/proofs': { red: 'red/proofs', nothing: 'nothing/proofs' },
      '{proof}': { red: 'prf_nothing', nothing: 'prf_nothing' },
      '{webhook}': { red: 'whk_nothing', nothing: 'whk_nothing' },
      '{delivery}': { red: 'msg_nothing', nothing: 'msg_nothing' },
      '{publisher}': { red: 'pub_nothing', nothing: 'pub_nothing' },
      '{review}': { red: 'rev_nothing', nothing: 'rev_nothing' },
      '{channel}': { red: 'stable', nothing: 'stable' },
      '{upload}': { red: upload, nothing: '00000000-0000-4000-8000-000000000000' },
      '{digest}': { red: digest, nothing: none },
      '{blob}': { red: blob, nothing: none },
      '{organisation}': { red: 'red', nothing: 'nothing' },
      '{account}': { red: ownerId, nothing: ownerId },
      '{invitation}': { red: 'inv_nothing', nothing: 'inv_nothing' },
      '/v1/checks/{id}': { red: `/v1/checks/${checkId}`, nothing: '/v1/checks/chk_nothing' },
      '{fingerprint}': { red: 'f', nothing: 'f' },
      '/v1/appeals/{id}': { red: '/v1/appeals/apl_nothing', nothing: '/v1/appeals/apl_nothing' },
      '/v1/tokens/{id}': { red: `/v1/tokens/${tokenId}`, nothing: '/v1/tokens/tok_nothing' },
      '/v1/sessions/{id}': { red: `/v1/sessions/${sessionId}`, nothing: '/v1/sessions/ses_nothing' },
    }
    const filled = Object.entries(values).reduce((text, [name, by]) => text.replace(name, by[subject]), path)
    if (filled.includes('{')) throw new Error(`this test has no value for the parameters of ${filled}`)
    return filled
  }

  async function call({ method, path, name }: Route, authorization: string | undefined, subject: Subject = 'red') {
    const body = BODIES[name]
    const headers = new Headers()
    if (authorization !== undefined) headers.set('authorization', authorization)
    if (body !== undefined) headers.set('content-type', 'application/json')
    if (name.startsWith('PUT') && path.includes('manifests'))
      headers.set('content-type', 'application/vnd.oci.image.manifest.v1+json')
    const hasBody = body !== undefined || method === 'PUT' || method === 'PATCH'
    const query = method === 'PUT' && path.includes('uploads') ? `?digest=${teams.blob}` : ''
    return await harness.request(fill(path, subject) + query, {
      method,
      headers,
      body: hasBody ? (body === undefined ? 'intruding' : JSON.stringify(body)) : null,
    })
  }
  /** Status, body and header names of a response, without the names of the resource. */
  async function describeResponse(response: Response, route: Route, subject: Subject) {
    let text = await response.text()
    text = text.replace(/"traceId":"[^"]*"/, '')
    const parts = fill(route.path, subject)
      .split(/[/?]/)
      .filter((part) => part.length > 2 && part !== 'v1')
    const names = [...parts, subject === 'red' ? 'red/crimson-secret' : 'red/nothing-at-all']
    for (const part of names.toSorted((a, b) => b.length - a.length)) text = text.replaceAll(part, '…')
    return [response.status, text.replaceAll('red/…', '…'), [...response.headers.keys()].sort()]
  }

  it('is covered, in the document and below /v2', () => {
    expect(DOCUMENTED.length).toBeGreaterThan(20)
    expect(OCI).toHaveLength(14)
    for (const [index, { path }] of OCI_ENDPOINTS.entries())
      expect(path.test((OCI_PATHS[index] ?? '').replaceAll(/[{}]/g, ''))).toBe(true)
  })

  it.each(GUARDED)('$name returns 401 for a credential that is invalid, expired or revoked', async (route) => {
    const before = await teams.state()
    // Wrong passwords of one user are limited.
    for (const authorization of [
      `Basic ${btoa(`${route.name}:b`)}`,
      'Bearer ty_nonsense',
      'Bearer a.b.c',
      teams.expired,
      teams.revoked,
    ])
      expect([authorization, (await call(route, authorization)).status]).toEqual([authorization, 401])
    expect(await teams.state()).toEqual(before)
  })

  it.each(CLOSED)('$name returns 401 without a credential', async (route) => {
    expect((await call(route, undefined)).status).toBe(401)
  })

  it.each(WITH_SUBJECT)(
    '$name gives others the same response for a hidden resource as for a missing one',
    async (route) => {
      const before = await teams.state()
      for (const who of [teams.blue, ...(isOpen(route) ? [undefined, teams.small, teams.limited] : [])]) {
        const known = await call(route, who, 'red')
        const unknown = await call(route, who, 'nothing')
        // Versions cannot be deleted by anyone, and the specification requires an empty list of referrers.
        const others = [...(route.method === 'DELETE' ? [405] : []), ...(route.path.includes('referrers') ? [200] : [])]
        expect([401, 403, 404, ...others]).toContain(known.status)
        expect(await describeResponse(known, route, 'red')).toEqual(await describeResponse(unknown, route, 'nothing'))
      }
      expect(await teams.state()).toEqual(before)
    },
  )

  it.each(GUARDED.filter((route) => isReading(route) && !route.path.includes('{')))(
    '$name shows nothing of a team to another team',
    async (route) => {
      for (const who of isOpen(route) ? [teams.blue, undefined, teams.limited] : [teams.blue]) {
        const response = await call(route, who)
        // Sessions, appeals and reports can be listed with a session, but not with a token.
        expect(response.status).toBe(
          ['/v1/sessions', '/v1/appeals', '/v1/rescans', '/v1/reviews/reported'].includes(route.path) ? 403 : 200,
        )
        const text = await response.text()
        for (const secret of teams.secrets) expect(text).not.toContain(secret)
      }
    },
  )

  it.each(OF_RED.filter((route) => !isReading(route)))('$name rejects a viewer', async (route) => {
    const before = await teams.state()
    expect([403, ...(route.path.startsWith('/v2') ? [405] : [])]).toContain((await call(route, teams.viewer)).status)
    expect(await teams.state()).toEqual(before)
  })

  it.each(OF_RED.filter((route) => !isReading(route)))('$name rejects a token with another scope', async (route) => {
    const before = await teams.state()
    for (const who of [teams.small, teams.limited]) expect([403, 404, 405]).toContain((await call(route, who)).status)
    expect(await teams.state()).toEqual(before)
  })

  it.each(OF_RED.filter((route) => isReading(route) && !route.path.includes('upload')))(
    '$name accepts members of the team',
    async (route) => {
      const isForAdministrators = /\/(audit|webhooks|deliveries|proofs)$/.test(route.path)
      const response = await call(route, isForAdministrators ? teams.owner : teams.viewer)
      // The version was rejected, so there is no version to resolve or to show to everyone, no tag, and no picture.
      const isOfPublished =
        /\/(resolve|badge|feed|readme-picture|deliveries)$/.test(route.path) || /manifests|tags/.test(route.path)
      expect([200, ...(isOfPublished ? [404] : [])]).toContain(response.status)
      await response.body?.cancel()
    },
  )
})

/** Valid bodies, so that a route can only fail because of permissions. */
const BODIES: Record<string, unknown> = {
  'POST /v1/checks/{id}/suppressions': { fingerprint: 'f', reason: 'a false positive' },
  'PUT /v1/trainers/{namespace}/{name}/reviews/own': { version: '1.0.0', rating: 5, text: 'Works' },
  'PUT /v1/trainers/{namespace}/{name}/reviews/{review}/reply': { text: 'Thanks' },
  'POST /v1/reviews/{review}/report': { reason: 'an advertisement' },
  'POST /v1/reviews/{review}/moderate': { decision: 'hide', note: 'an advertisement' },
  'POST /v1/checks/{id}/appeal': { text: 'a false positive' },
  'POST /v1/appeals/{id}/approve': { note: 'a false positive' },
  'POST /v1/appeals/{id}/refuse': { note: 'a true positive' },
  'POST /v1/trainers/{namespace}/{name}/channels': { name: 'stable', version: '1.0.0' },
  'POST /v1/trainers/{namespace}/{name}/versions/{version}/deprecate': { message: 'old' },
  'POST /v1/trainers/{namespace}/{name}/versions/{version}/yank': { reason: 'broken' },
  'POST /v1/trainers/{namespace}/{name}/publishers': {
    issuer: 'github',
    repository: 'red/crimson',
    workflow: 'release.yml',
  },
  'POST /v1/trainers/{namespace}/{name}/publishers/{publisher}/test': {},
  'POST /v1/namespaces/{namespace}/webhooks': { url: 'https://intruder.test/' },
  'POST /v1/rescans': {},
  'POST /v1/namespaces/{namespace}/proofs': { kind: 'dns', domain: 'intruder.test' },
  'POST /v1/tokens': { name: 'more', scopes: ['pull:red'] },
  'POST /v1/me/password': { currentPassword: PASSWORD, newPassword: 'taken by an intruder' },
  'POST /v1/accounts/password-resets': { email: 'ada@red.test' },
  'POST /v1/accounts/invitations': { email: 'intruder@x.test' },
  'POST /v1/organisations': { slug: 'purple' },
  'POST /v1/organisations/{organisation}/members': { email: 'bob@blue.test', role: 'viewer' },
  'POST /v1/organisations/{organisation}/invitations/redeem': { secret: 'ty_none' },
  'POST /v1/organisations/{organisation}/projects': { slug: 'intruder' },
}
