import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Problem } from '@trainyard/contract'
import { DEFAULT_AUTH, type SupervisedPostgres, superviseEmbeddedPostgres } from '@trainyard/platform'
import { openApiRoutes } from '@trainyard/platform/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describe as describeApi } from './app.ts'
import { createHarness, type Harness } from './testing/harness.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const OCI_ROUTES: readonly [method: string, path: string][] = [
  ['GET', '/v2/'],
  ['POST', '/v2/acme/yolo/blobs/uploads/'],
  ['PATCH', '/v2/acme/yolo/blobs/uploads/1'],
  ['PUT', `/v2/acme/yolo/blobs/uploads/1?digest=${DIGEST}`],
  ['GET', `/v2/acme/yolo/blobs/${DIGEST}`],
  ['HEAD', `/v2/acme/yolo/blobs/${DIGEST}`],
  ['GET', '/v2/acme/yolo/manifests/1.0.0'],
  ['PUT', '/v2/acme/yolo/manifests/1.0.0'],
  ['GET', '/v2/acme/yolo/tags/list'],
  ['GET', `/v2/acme/yolo/referrers/${DIGEST}`],
  ['GET', '/token?scope=repository:acme/yolo:pull,push'],
]
/** Answered from the configuration. */
const WITHOUT_DATABASE: ReadonlySet<string> = new Set(['GET /v1/publishing'])
const BODIES: Record<string, unknown> = {
  'POST /v1/sessions/codes/redeem': { secret: 'ty_none' },
  'POST /v1/accounts': { email: 'ada@red.test', password: 'correct horse battery' },
  'POST /v1/sessions': { email: 'ada@red.test', password: 'correct horse battery' },
  'POST /v1/accounts/password-resets/redeem': {
    secret: `ty_reset_${'a'.repeat(43)}`,
    newPassword: 'correct horse battery',
  },
}

describe('a registry whose database is down', () => {
  const cleanups: (() => Promise<unknown>)[] = []
  let postgres: SupervisedPostgres
  let dataDir: string
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'trainyard-postgres-test-'))
    cleanups.push(() => rm(dataDir, { recursive: true, force: true }))
    postgres = await superviseEmbeddedPostgres({ dataDir })
    cleanups.push(() => postgres.stop())
  })
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })
  async function start(mode: 'local' | 'required'): Promise<Harness> {
    const harness = await createHarness({ config: { databaseUrl: postgres.url, auth: { ...DEFAULT_AUTH, mode } } })
    // The test has no database to clean up.
    cleanups.push(() => harness.close().catch(() => undefined))
    return harness
  }

  it.each(['local', 'required'] as const)('answers every route with 503 and Retry-After (AUTH=%s)', async (mode) => {
    const harness = await start(mode)
    const token = await harness.token(['admin:*'])
    await postgres.stop()
    for (const { name, method, path } of openApiRoutes(describeApi(harness.registry.app))) {
      if (WITHOUT_DATABASE.has(name)) continue
      const body = ['GET', 'DELETE'].includes(method) ? null : JSON.stringify(BODIES[name] ?? {})
      const headers = { 'content-type': 'application/json' }
      const response = await harness.request(path.replace(/\{[^}]+\}/g, '1'), { method, headers, body, token })
      // A request that is not valid is refused as such.
      if (response.status !== 400 && response.status !== 422) await expectUnavailable(response, method, name)
    }
    for (const [method, path] of OCI_ROUTES) {
      const body = method === 'PUT' || method === 'PATCH' ? '{}' : null
      const response = await harness.request(path, { method, body, token })
      await expectUnavailable(response, method, `${method} ${path}`)
    }
    await expectUnavailable(await harness.request('/readyz'), 'GET', '/readyz')
    expect((await harness.request('/healthz')).status).toBe(200)
  })

  it('tells OCI clients in their own format, too', async () => {
    const harness = await start('required')
    const token = await harness.token(['pull:acme'])
    await postgres.stop()
    const response = await harness.request('/v2/acme/yolo/tags/list', { token })
    expect(await response.json()).toMatchObject({
      code: 'unavailable',
      errors: [
        { code: 'UNAVAILABLE', message: 'The database does not respond at the moment. Try again in a few seconds' },
      ],
    })
  })
})

async function expectUnavailable(response: Response, method: string, name: string): Promise<void> {
  const { status, headers } = response
  expect({ status, retryAfter: headers.get('retry-after') }, name).toEqual({ status: 503, retryAfter: '2' })
  expect(headers.get('content-type'), name).toBe('application/problem+json')
  if (method === 'HEAD') return
  expect(Problem.parse(await response.json()), name).toMatchObject({ code: 'unavailable', retryable: true })
}
