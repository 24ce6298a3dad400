import { DEFAULT_AUTH } from '@trainyard/platform'
import {
  IDENTITY_ROUTES,
  isSufficient,
  openApiRoutes,
  type RouteRule,
  SCOPES_OF_RED,
} from '@trainyard/platform/testing'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registryOpenApi } from '../openapi.ts'
import { OCI_ENDPOINTS } from '../repositories/endpoints.ts'
import { createHarness, digestOf, endOfCheck, type Harness, pushBlob, pushBundle } from '../testing/harness.ts'
import { PASSWORD, type Person, startSignUp } from '../testing/people.ts'

const OCI_PATHS = [
  '/v2/red/plain/blobs/uploads/',
  '/v2/red/plain/blobs/uploads/{upload}',
  '/v2/red/plain/blobs/{digest}',
  '/v2/red/plain/manifests/{reference}',
  '/v2/red/plain/tags/list',
  '/v2/red/plain/referrers/{digest}',
]
const content = 'no manifest refers to it yet; the push of the manifest is recorded'

/** Every route of the registry. A new one fails the first test until it is classified here. */
const RULES: Readonly<Record<string, RouteRule>> = {
  ...IDENTITY_ROUTES,
  // What is published is open to everyone. What is not is hidden from others, which `every-route.test.ts` shows.
  'GET /v1/trainers': { needs: 'nothing' },
  'GET /v1/trainers/{namespace}/{name}': { needs: 'nothing' },
  'GET /v1/trainers/{namespace}/{name}/versions/{version}': { needs: 'nothing' },
  'GET /v1/trainers/{namespace}/{name}/versions/{version}/sbom': { needs: 'nothing' },
  'GET /v1/trainers/{namespace}/{name}/versions/{version}/readme-picture': { needs: 'nothing' },
  'GET /v1/trainers/{namespace}/{name}/resolve': { needs: 'nothing' },
  'GET /v1/trainers/{namespace}/{name}/badge': { needs: 'nothing' },
  'GET /v1/trainers/{namespace}/{name}/feed': { needs: 'nothing' },
  'GET /v1/feed': { needs: 'nothing' },
  'GET /v1/trainers/{namespace}/{name}/usage': { needs: 'pull:{ns}' },
  'GET /v1/trainers/{namespace}/{name}/reviews': { needs: 'nothing' },
  'PUT /v1/trainers/{namespace}/{name}/reviews/own': { needs: 'person', audit: 'review.write' },
  'DELETE /v1/trainers/{namespace}/{name}/reviews/own': { needs: 'person', audit: 'review.delete' },
  'PUT /v1/trainers/{namespace}/{name}/reviews/{review}/reply': { needs: 'push:{ns}', audit: 'review.reply' },
  'DELETE /v1/trainers/{namespace}/{name}/reviews/{review}/reply': { needs: 'push:{ns}', audit: 'review.unreply' },
  'POST /v1/reviews/{review}/report': { needs: 'person', audit: 'review.report' },
  'GET /v1/reviews/reported': { needs: 'person' },
  'POST /v1/reviews/{review}/moderate': { needs: 'person', audit: 'review.hide' },
  'POST /v1/trainers/{namespace}/{name}/channels': { needs: 'push:{ns}', audit: 'channel.set' },
  'DELETE /v1/trainers/{namespace}/{name}/channels/{channel}': { needs: 'push:{ns}', audit: 'channel.remove' },
  'POST /v1/trainers/{namespace}/{name}/versions/{version}/deprecate': {
    needs: 'push:{ns}',
    audit: 'version.deprecate',
  },
  'DELETE /v1/trainers/{namespace}/{name}/versions/{version}/deprecate': {
    needs: 'push:{ns}',
    audit: 'version.undeprecate',
  },
  'POST /v1/trainers/{namespace}/{name}/versions/{version}/yank': { needs: 'push:{ns}', audit: 'version.yank' },
  'DELETE /v1/trainers/{namespace}/{name}/versions/{version}/yank': { needs: 'push:{ns}', audit: 'version.unyank' },
  'GET /v1/publishing': { needs: 'nothing' },
  // The token of the job, in the body, is what it needs.
  'POST /v1/publishing/tokens': { needs: 'nothing', audit: 'publisher.exchange' },
  'GET /v1/trainers/{namespace}/{name}/publishers': { needs: 'pull:{ns}' },
  'POST /v1/trainers/{namespace}/{name}/publishers': { needs: 'admin:{ns}', audit: 'publisher.add' },
  'DELETE /v1/trainers/{namespace}/{name}/publishers/{publisher}': { needs: 'admin:{ns}', audit: 'publisher.remove' },
  'POST /v1/trainers/{namespace}/{name}/publishers/{publisher}/test': {
    needs: 'admin:{ns}',
    outside: 'it changes nothing',
  },
  'GET /v1/namespaces/{namespace}/proofs': { needs: 'admin:{ns}' },
  'POST /v1/namespaces/{namespace}/proofs': { needs: 'admin:{ns}', audit: 'ownership.add' },
  'DELETE /v1/namespaces/{namespace}/proofs/{proof}': { needs: 'admin:{ns}', audit: 'ownership.remove' },
  'POST /v1/namespaces/{namespace}/proofs/{proof}/verify': { needs: 'admin:{ns}', audit: 'ownership.verify' },
  'GET /v1/namespaces/{namespace}/webhooks': { needs: 'admin:{ns}' },
  'POST /v1/namespaces/{namespace}/webhooks': { needs: 'admin:{ns}', audit: 'webhook.create' },
  'DELETE /v1/namespaces/{namespace}/webhooks/{webhook}': { needs: 'admin:{ns}', audit: 'webhook.delete' },
  'POST /v1/namespaces/{namespace}/webhooks/{webhook}/rotate': { needs: 'admin:{ns}', audit: 'webhook.rotate' },
  'POST /v1/namespaces/{namespace}/webhooks/{webhook}/test': { needs: 'admin:{ns}', audit: 'webhook.test' },
  'GET /v1/namespaces/{namespace}/webhooks/{webhook}/deliveries': { needs: 'admin:{ns}' },
  'POST /v1/namespaces/{namespace}/webhooks/{webhook}/deliveries/{delivery}/replay': {
    needs: 'admin:{ns}',
    audit: 'webhook.replay',
  },
  // The signature of the runner, in the body, is what it needs.
  'POST /v1/runs': { needs: 'nothing', outside: 'the statement itself is kept' },
  'GET /v1/checks/{id}': { needs: 'nothing' },
  'GET /v1/checks/{id}/live': { needs: 'nothing' },
  'GET /v1/pushes': { needs: 'any' },
  // Without the check, the answer is 404 whatever the scope is; `every-route.test.ts` shows that a reader cannot change one.
  'POST /v1/checks/{id}/retry': { needs: 'nothing', audit: 'check.retry' },
  'POST /v1/checks/{id}/suppressions': { needs: 'nothing', audit: 'finding.suppress' },
  'DELETE /v1/checks/{id}/suppressions/{fingerprint}': { needs: 'nothing', audit: 'finding.unsuppress' },
  'POST /v1/checks/{id}/appeal': { needs: 'nothing', audit: 'check.appeal' },
  'GET /v1/rescans': { needs: 'person' },
  'POST /v1/rescans': { needs: 'person', audit: 'rescan.start' },
  'GET /v1/appeals': { needs: 'person' },
  'POST /v1/appeals/{id}/approve': { needs: 'person', audit: 'appeal.approve' },
  'POST /v1/appeals/{id}/refuse': { needs: 'person', audit: 'appeal.refuse' },
  'POST /v2/red/plain/blobs/uploads/': { needs: 'push:{ns}', audit: 'repository.create' },
  'GET /v2/red/plain/blobs/uploads/{upload}': { needs: 'push:{ns}' },
  'PATCH /v2/red/plain/blobs/uploads/{upload}': { needs: 'push:{ns}', outside: content },
  'PUT /v2/red/plain/blobs/uploads/{upload}': { needs: 'push:{ns}', outside: content },
  'DELETE /v2/red/plain/blobs/uploads/{upload}': { needs: 'push:{ns}', outside: content },
  'GET /v2/red/plain/blobs/{digest}': { needs: 'nothing' },
  'HEAD /v2/red/plain/blobs/{digest}': { needs: 'nothing' },
  'DELETE /v2/red/plain/blobs/{digest}': { needs: 'admin:{ns}', audit: 'blob.delete' },
  'GET /v2/red/plain/manifests/{reference}': { needs: 'nothing' },
  'HEAD /v2/red/plain/manifests/{reference}': { needs: 'nothing' },
  'PUT /v2/red/plain/manifests/{reference}': { needs: 'push:{ns}', audit: 'tag.push' },
  'DELETE /v2/red/plain/manifests/{reference}': { needs: 'admin:{ns}', audit: 'tag.delete' },
  'GET /v2/red/plain/tags/list': { needs: 'nothing' },
  'GET /v2/red/plain/referrers/{digest}': { needs: 'nothing' },
}
const OCI = OCI_ENDPOINTS.flatMap(({ methods }, index) =>
  Object.keys(methods).map((method) => {
    const path = OCI_PATHS[index] ?? ''
    return { name: `${method} ${path}`, method, path }
  }),
)
const ROUTES = [...openApiRoutes(registryOpenApi()), ...OCI]
const NO_DIGEST = `sha256:${'0'.repeat(64)}`
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'

interface Row {
  actor: string
  actor_name: string | null
  credentials: string | null
  token_id: string | null
  token_name: string | null
  address: string | null
  action: string
  subject: string
  organisation: string | null
}

describe('every route of the registry', () => {
  let harness: Harness
  let ada: Person
  const tokens = new Map<string, { id: string; secret: string }>()
  beforeAll(async () => {
    harness = await createHarness({
      config: { auth: { ...DEFAULT_AUTH, mode: 'required', allowSignup: true }, plainNamespaces: ['red'] },
    })
    await harness.registry.start()
    const signUp = await startSignUp(harness)
    await signUp('operator@trainyard.test')
    ada = await signUp('ada@red.test')
    await signUp('vera@red.test')
    for (const slug of ['red', 'crimson']) await send('POST', '/v1/organisations', { slug }, ada.secret)
    for (const scope of SCOPES_OF_RED) {
      const made = await send('POST', '/v1/tokens', { name: scope, scopes: [scope], organisation: 'red' }, ada.secret)
      tokens.set(scope, (await made.json()) as { id: string; secret: string })
    }
  })
  afterAll(() => harness.close())

  async function send(method: string, path: string, body?: unknown, token?: string): Promise<Response> {
    const headers = { 'content-type': 'application/json' }
    const text = body === undefined ? null : JSON.stringify(body)
    return await harness.request(path, { method, headers, body: text, token })
  }
  const secretOf = (scope: string) => tokens.get(scope)?.secret ?? ''

  /** A request to a resource of red that does not exist, so that a token with the scope changes as little as possible. */
  async function call({ name, method, path }: (typeof ROUTES)[number], token: string): Promise<Response> {
    const filled = path
      .replace('{organisation}', 'red')
      .replace('{account}', 'acc_nothing')
      .replace('{namespace}', 'red')
      .replace('{digest}', NO_DIGEST)
      .replace(/\{\w+\}/g, 'nothing')
    const isOci = path.startsWith('/v2')
    const type = isOci && method === 'PUT' && path.includes('manifests') ? MANIFEST_TYPE : 'application/json'
    const body = isOci ? (['PUT', 'PATCH'].includes(method) ? 'x' : null) : JSON.stringify(BODIES[name]?.() ?? {})
    const isReading = method === 'GET' || method === 'HEAD'
    const response = await harness.request(filled, {
      method,
      token,
      headers: isReading ? {} : { 'content-type': type },
      body: isReading ? null : body,
    })
    await response.body?.cancel()
    return response
  }

  it('is classified: which scope it needs, and what it writes to the audit', () => {
    expect(ROUTES.map(({ name }) => name).toSorted()).toEqual(Object.keys(RULES).toSorted())
    for (const [name, { audit, outside }] of Object.entries(RULES))
      expect([name, [audit, outside].filter((one) => one !== undefined).length]).toEqual([
        name,
        /^(GET|HEAD) /.test(name) ? 0 : 1,
      ])
  })

  it.each(ROUTES)(
    '$name accepts the scopes that it needs, and answers 403 to a token with any other',
    async (route) => {
      const needs = RULES[route.name]?.needs ?? 'nothing'
      const refused: string[] = []
      for (const scope of SCOPES_OF_RED) if ((await call(route, secretOf(scope))).status === 403) refused.push(scope)
      expect(refused).toEqual(SCOPES_OF_RED.filter((scope) => !isSufficient(scope, needs)))
    },
  )

  const rows = async () =>
    (
      await sql<Row>`select audit.*, organisations.slug as organisation from ${sql.id(harness.registry.context.identity.schema, 'audit')}
        left join ${sql.id(harness.registry.context.identity.schema, 'organisations')} on organisations.id = organisation_id
        order by audit.id`.execute(harness.registry.context.database.db)
    ).rows
  /** The rows that a call writes. */
  async function rowsOf(work: () => Promise<Response>): Promise<Row[]> {
    const before = await rows()
    const response = await work()
    expect([response.status, response.ok ? '' : await response.clone().text()]).toEqual([response.status, ''])
    return (await rows()).slice(before.length)
  }

  describe('that changes a repository writes one row, in the namespace’s organisation', () => {
    const name = 'red/plain-audited'
    let digest: string
    const manifest = (text: string) =>
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: { mediaType: 'application/vnd.oci.empty.v1+json', digest, size: 2 },
        layers: [],
        annotations: { text },
      })
    const token = () => secretOf('admin:red')
    const putManifest = (reference: string, text: string) =>
      harness.request(`/v2/${name}/manifests/${reference}`, {
        method: 'PUT',
        token: token(),
        headers: { 'content-type': MANIFEST_TYPE, 'x-forwarded-for': '192.0.2.1' },
        body: manifest(text),
      })
    const remove = (path: string) => harness.request(`/v2/${name}/${path}`, { method: 'DELETE', token: token() })

    it('for each kind of change', async () => {
      const created = await rowsOf(() =>
        harness.request(`/v2/${name}/blobs/uploads/`, { method: 'POST', token: token() }),
      )
      digest = await pushBlob(harness, { name, token: token(), bytes: Buffer.from('{}') })
      const byDigest = digestOf(manifest('second'))
      const steps: [string, string, () => Promise<Response>][] = [
        ['tag.push', `${name}:stable`, () => putManifest('stable', 'first')],
        ['manifest.push', `${name}@${byDigest}`, () => putManifest(byDigest, 'second')],
        ['tag.move', `${name}:stable`, () => putManifest('stable', 'second')],
        ['tag.delete', `${name}:stable`, () => remove('manifests/stable')],
        ['manifest.delete', `${name}@${byDigest}`, () => remove(`manifests/${byDigest}`)],
        ['blob.delete', `${name}@${digest}`, () => remove(`blobs/${digest}`)],
      ]
      const written = [{ step: ['repository.create', name], found: created }]
      for (const [action, subject, work] of steps) written.push({ step: [action, subject], found: await rowsOf(work) })
      for (const { step, found } of written) {
        expect(found.map(({ action, subject }) => [action, subject])).toEqual([step])
        expect(found[0]).toMatchObject({
          organisation: 'red',
          actor: ada.id,
          actor_name: 'ada',
          credentials: 'token',
          token_id: tokens.get('admin:red')?.id,
          token_name: 'admin:red',
          address: 'unknown',
        })
      }
    })

    it('and pushing the same again writes none', async () => {
      digest = await pushBlob(harness, { name, token: token(), bytes: Buffer.from('{}') })
      await putManifest('same', 'same')
      expect(await rowsOf(() => putManifest('same', 'same'))).toEqual([])
    })

    it('for a version and for the end of its check, which is the platform’s', async () => {
      const push = await send(
        'POST',
        '/v1/tokens',
        { name: 'ci', scopes: ['push:crimson', 'pull:crimson'], organisation: 'crimson' },
        ada.secret,
      )
      const { secret } = (await push.json()) as { secret: string }
      const before = (await rows()).length
      await endOfCheck(
        harness,
        secret,
        await pushBundle(harness, { name: 'crimson/yolo', version: '1.0.0', token: secret }),
      )
      const found = (await rows()).slice(before)
      expect(
        found.map(({ action, actor, token_name, organisation }) => [action, actor, token_name, organisation]),
      ).toEqual([
        ['repository.create', ada.id, 'ci', 'crimson'],
        ['version.push', ada.id, 'ci', 'crimson'],
        ['version.publish', 'acceptance', null, 'crimson'],
      ])
      const page = await send('GET', '/v1/organisations/crimson/audit', undefined, ada.secret)
      expect(((await page.json()) as { rows: { subject: string }[] }).rows[0]?.subject).toBe('crimson/yolo:1.0.0')
    })
  })
})

/** Bodies that are valid, so that only the scope decides. */
const BODIES: Record<string, () => unknown> = {
  'POST /v1/checks/{id}/suppressions': () => ({ fingerprint: 'f', reason: 'a false positive' }),
  'POST /v1/checks/{id}/appeal': () => ({ text: 'a false positive' }),
  'POST /v1/appeals/{id}/approve': () => ({ note: 'a false positive' }),
  'POST /v1/appeals/{id}/refuse': () => ({ note: 'a true positive' }),
  'PUT /v1/trainers/{namespace}/{name}/reviews/own': () => ({ version: '1.0.0', rating: 5, text: 'Works' }),
  'PUT /v1/trainers/{namespace}/{name}/reviews/{review}/reply': () => ({ text: 'Thanks' }),
  'POST /v1/reviews/{review}/report': () => ({ reason: 'an advertisement' }),
  'POST /v1/reviews/{review}/moderate': () => ({ decision: 'hide', note: 'an advertisement' }),
  'POST /v1/accounts/invitations': () => ({ email: `${crypto.randomUUID()}@blue.test` }),
  'POST /v1/sessions/codes/redeem': () => ({ secret: 'ty_none' }),
  'POST /v1/accounts': () => ({ email: `${crypto.randomUUID()}@blue.test`, password: PASSWORD }),
  'POST /v1/sessions': () => ({ email: 'none@red.test', password: 'wrong' }),
  'POST /v1/accounts/password-resets/redeem': () => ({ secret: 'ty_none', newPassword: PASSWORD }),
  'POST /v1/trainers/{namespace}/{name}/channels': () => ({ name: 'stable', version: '1.0.0' }),
  'POST /v1/trainers/{namespace}/{name}/versions/{version}/deprecate': () => ({ message: 'old' }),
  'POST /v1/trainers/{namespace}/{name}/versions/{version}/yank': () => ({ reason: 'broken' }),
  'POST /v1/namespaces/{namespace}/webhooks': () => ({ url: 'https://intruder.test/' }),
  'POST /v1/namespaces/{namespace}/proofs': () => ({ kind: 'dns', domain: `${crypto.randomUUID()}.test` }),
  'POST /v1/publishing/tokens': () => ({ trainer: 'red/nothing', token: 'x' }),
  'POST /v1/trainers/{namespace}/{name}/publishers': () => ({
    issuer: 'github',
    repository: 'red/nothing',
    workflow: 'release.yml',
  }),
  'POST /v1/tokens': () => ({ name: 'child', scopes: ['tokens:manage'] }),
  'POST /v1/me/password': () => ({ currentPassword: PASSWORD, newPassword: 'taken by an intruder' }),
  'POST /v1/accounts/password-resets': () => ({ email: 'ada@red.test' }),
  'POST /v1/organisations': () => ({ slug: `purple-${crypto.randomUUID().slice(0, 8)}` }),
  'POST /v1/organisations/{organisation}/members': () => ({ email: 'vera@red.test', role: 'viewer' }),
  'POST /v1/organisations/{organisation}/invitations/redeem': () => ({ secret: 'ty_none' }),
  'POST /v1/organisations/{organisation}/projects': () => ({ slug: `p-${crypto.randomUUID().slice(0, 8)}` }),
}
