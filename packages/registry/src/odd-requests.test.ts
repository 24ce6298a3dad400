import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DEFAULT_AUTH } from '@trainyard/platform'
import { ODD_RUNS, oddPair, oddPaths, oddRequests, openApiRoutes } from '@trainyard/platform/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registryOpenApi } from './openapi.ts'
import { OCI_ENDPOINTS } from './repositories/endpoints.ts'
import { createHarness, type Harness, passes, reportOf } from './testing/harness.ts'
import { startTeams, type Teams } from './testing/teams.ts'
import type { ValidateFunction } from './validation/validate.ts'

const DOCUMENT = registryOpenApi()
const NONE = `sha256:${'0'.repeat(64)}`
/** A path for each endpoint below /v2, which are regular expressions. A new one must be added here. */
const OCI_PATHS = [
  '/v2/{namespace}/{name}/blobs/uploads/',
  '/v2/{namespace}/{name}/blobs/uploads/{upload}',
  '/v2/{namespace}/{name}/blobs/{digest}',
  '/v2/{namespace}/{name}/manifests/{reference}',
  '/v2/{namespace}/{name}/tags/list',
  '/v2/{namespace}/{name}/referrers/{digest}',
]
const OCI_ROUTES = OCI_ENDPOINTS.flatMap(({ methods, path }, index) =>
  Object.keys(methods).map((method) => ({
    name: `${method} ${OCI_PATHS[index]}`,
    method,
    path: OCI_PATHS.find((one) => path.test(one.replaceAll(/[{}]/g, ''))) ?? '',
  })),
)

/** Passes everything except trainers that contain "secret". */
const validate: ValidateFunction = async (options) => {
  if (!(await readFile(join(options.dir, 'trainer.json'), 'utf8')).includes('secret')) return await passes(options)
  return reportOf([{ name: 'compliance', status: 'failed', findings: [] }], options.onCheck)
}

describe(`the registry, asked oddly (seed ${ODD_RUNS.seed}, ${ODD_RUNS.numRuns} times a route; ODD_SEED and ODD_RUNS)`, () => {
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

  const valuesFor = (path: string): Record<string, string> => ({
    namespace: 'red',
    name: 'crimson-secret',
    version: '1.0.0',
    organisation: 'red',
    account: teams.ownerId,
    invitation: 'inv_nothing',
    // Sessions and tokens that exist would be ended.
    id: path.startsWith('/v1/checks') ? teams.checkId : 'none',
    fingerprint: 'none',
    upload: teams.upload,
    digest: teams.digest,
    reference: NONE,
  })
  async function send(path: string, init: RequestInit): Promise<void> {
    const headers = new Headers(init.headers)
    headers.set('authorization', teams.owner)
    const response = await harness.request(path, { ...init, headers })
    const text = init.method === 'GET' && path.includes('/live') ? '' : await response.text()
    const what = `${init.method} ${path.slice(0, 300)} ${String(init.body).slice(0, 300)}: ${text.slice(0, 500)}`
    expect(response.status, what).toBeLessThan(500)
  }

  it('knows a path of each endpoint', () => {
    expect(OCI_ROUTES.length).toBeGreaterThan(10)
    expect(OCI_ROUTES.map(({ path }) => path)).not.toContain('')
  })

  // A session that was ended could send nothing more.
  const ROUTES = openApiRoutes(DOCUMENT).filter(({ name }) => name !== 'DELETE /v1/sessions/current')

  it.each(ROUTES)('$name never answers with a 5xx', async ({ method, path }) => {
    const requests = oddRequests(DOCUMENT, { method, path }, valuesFor(path))
    await fc.assert(
      fc.asyncProperty(requests, ({ path: url, ...init }) => send(url, init)),
      ODD_RUNS,
    )
  })

  it.each(OCI_ROUTES)('$name never answers with a 5xx', async ({ method, path }) => {
    const requests = oddRequests(DOCUMENT, { method, path }, valuesFor(path))
    await fc.assert(
      fc.asyncProperty(requests, ({ path: url, ...init }) => send(url, init)),
      ODD_RUNS,
    )
  })

  it('answers odd paths below /v2 and /token without a 5xx', async () => {
    const path = fc
      .tuple(
        fc.constantFrom('/v2/:a', '/v2/:a/:b/:c', '/v2/:a/tags/list', '/token', '/:a'),
        fc.array(oddPair([{ name: 'scope' }, { name: 'service' }]), { maxLength: 2 }),
      )
      .chain(([template, query]) => oddPaths(template, {}).map((filled) => `${filled}?${query.join('&')}`))
    await fc.assert(
      fc.asyncProperty(path, (url) => send(url, { method: 'GET' })),
      { ...ODD_RUNS, numRuns: 3 * ODD_RUNS.numRuns },
    )
  })
})
