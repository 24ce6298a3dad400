import { DEFAULT_AUTH } from '@trainyard/platform'
import { ODD_RUNS, oddPair, oddPaths } from '@trainyard/platform/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHarness, type Harness as Registry } from '../packages/registry/src/testing/harness.ts'
import {
  noLauncher,
  openJournal,
  type Harness as Runner,
  startHarness,
} from '../packages/runner/src/testing/harness.ts'
import { createWeb } from '../packages/web/src/index.ts'

const REGISTRY = 'http://127.0.0.1:7601'
const RUNNER = 'http://127.0.0.1:7602'
const ORIGIN = 'http://127.0.0.1:7603'

describe(`the pages over the real servers, asked oddly (seed ${ODD_RUNS.seed}; ODD_SEED and ODD_RUNS)`, () => {
  let registry: Registry
  let runner: Runner
  let jobId: number
  beforeAll(async () => {
    registry = await createHarness({ config: { auth: DEFAULT_AUTH } })
    runner = await startHarness({ runner: { launcher: noLauncher } })
    jobId = (await openJournal(runner)).jobId
  })
  afterAll(async () => {
    await registry.close()
    await runner.close()
  })

  const failures: unknown[] = []
  const { app } = createWeb({
    registryUrl: REGISTRY,
    runnerUrl: RUNNER,
    fetch: async (input, init) => {
      const request = new Request(input, init)
      return await (request.url.startsWith(REGISTRY) ? registry.registry : runner.runner).app.fetch(request)
    },
    logger: { error: (fields, message) => failures.push([message, fields]) },
  })
  const routes = app.routes
    .filter(({ method, path }) => ['GET', 'POST'].includes(method) && !path.includes('*'))
    .map(({ method, path }) => ({ name: `${method} ${path}`, method, path }))
  const unique = [...new Map(routes.map((route) => [route.name, route])).values()]
  const QUERY = ['level', 'state', 'trainer', 'q', 'task', 'framework', 'version', 'to', 'done', 'code', 'range'].map(
    (name) => ({ name }),
  )

  it('include every page', () => {
    expect(unique.map(({ name }) => name)).toEqual(expect.arrayContaining(['GET /jobs', 'GET /jobs/:id', 'GET /']))
    expect(unique.length).toBeGreaterThan(20)
  })

  it.each(unique)('$name never answers with a 5xx', async ({ method, path }) => {
    const query = fc.array(oddPair(QUERY), { maxLength: 3 })
    const request = fc.tuple(oddPaths(path, { id: String(jobId) }), query, fc.array(oddPair(QUERY), { maxLength: 3 }))
    await fc.assert(
      fc.asyncProperty(request, async ([filled, pairs, fields]) => {
        const headers = { origin: ORIGIN, 'content-type': 'application/x-www-form-urlencoded' }
        const url = `${ORIGIN}${filled}?${pairs.join('&')}`
        const response = await app.request(url, {
          method,
          headers,
          body: method === 'POST' ? fields.join('&') : null,
        })
        const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
        if (isStream) await response.body?.cancel()
        else await response.text()
        expect(
          response.status,
          `${method} ${url.slice(0, 300)}: ${JSON.stringify(failures.at(-1))?.slice(0, 500)}`,
        ).toBeLessThan(500)
      }),
      ODD_RUNS,
    )
  })
})
