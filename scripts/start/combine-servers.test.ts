import { createLogger } from '@trainyard/platform'
import { Hono } from 'hono'
import { inspectRoutes } from 'hono/dev'
import { describe, expect, test } from 'vitest'
import { createApp as createRegistryApp } from '../../packages/registry/src/app.ts'
import { createRunnerApp } from '../../packages/runner/src/app.ts'
import { RunnerTelemetry } from '../../packages/runner/src/observability/metrics/telemetry.ts'
import { createWeb } from '../../packages/web/src/create-web.tsx'
import {
  combineServers,
  findClashes,
  findShared,
  mergeMetrics,
  routeTables,
  type ServerName,
  type Servers,
} from './combine-servers.ts'

/** The apps that are started, with contexts that suffice until a route is called. */
function realServers(): Servers {
  const context = {
    logger: createLogger({ name: 'routes', level: 'silent' }),
    telemetry: new RunnerTelemetry(),
    config: {},
  } as unknown as Parameters<typeof createRunnerApp>[0]['trainerContext'] & Parameters<typeof createRegistryApp>[0]
  const store = new Hono()
  store.get('/storage/*', (c) => c.text('an object'))
  const feeds = {} as Parameters<typeof createRunnerApp>[0]['feeds']
  return {
    registry: createRegistryApp(context),
    runner: createRunnerApp({ context, trainerContext: context, feeds }),
    web: createWeb({ registryUrl: 'http://registry.test', runnerUrl: 'http://runner.test' }).app,
    store,
  }
}

const servers = realServers()
const NAMES = ['registry', 'runner', 'web', 'store'] as const

/** Servers with the routes of the real ones, which answer with their name. */
function namedServers(): Servers {
  const named = (name: ServerName): Hono => {
    const app = new Hono()
    app.get('/readyz', (c) => c.text(name, name === 'runner' ? 503 : 200))
    app.get('/openapi.json', (c) =>
      c.json({ openapi: '3.1.0', info: { title: name, description: 'd' }, paths: { [`/${name}`]: {} } }),
    )
    for (const { method, path } of endpointsOf(name)) app.on(method, path, (c) => c.text(name))
    app.notFound((c) => c.text(`${name}: not found`, 404))
    return app
  }
  return { registry: named('registry'), runner: named('runner'), web: named('web'), store: named('store') }
}

function endpointsOf(name: ServerName): { method: string; path: string }[] {
  const server = servers[name]
  if (server === undefined) return []
  return inspectRoutes(server as Hono)
    .filter(({ isMiddleware }) => !isMiddleware)
    .map(({ method, path }) => ({ method, path }))
}

const app = combineServers(namedServers())
const ask = async (path: string, method = 'GET'): Promise<string> => (await app.request(path, { method })).text()
const fill = (pattern: string): string => pattern.replaceAll(/:\w+/g, '7').replace('*', 'a/b')

describe('the servers behind one port', () => {
  const routes = NAMES.flatMap((name) => endpointsOf(name).map((route) => ({ ...route, name })))

  test('have the routes of all servers', () => {
    expect(routes.length).toBeGreaterThan(100)
    for (const path of ['/v1/retention', '/metrics', '/v1/jobs/:id/logs', '/v2/*', '/token', '/jobs/:id'])
      expect(routes.map((route) => route.path)).toContain(path)
  })

  test.each(routes.filter(({ path }) => findShared(path)?.served !== 'all'))(
    '$method $path of $name reaches the server that is to serve it',
    async ({ method, path, name }) => {
      const verb = method === 'ALL' ? 'GET' : method
      expect(await ask(fill(path), verb)).toBe(findShared(path)?.served ?? name)
    },
  )

  test('share only paths for which it is decided who serves them', () => {
    const shared = findClashes(routeTables(servers)).flatMap(({ paths }) => paths)
    const decided = (path: string) => findShared(path) !== undefined
    expect(shared.filter((path) => !decided(path))).toEqual([])
    expect(shared).toEqual(expect.arrayContaining(['/v1/me', '/v1/tokens', '/healthz', '/readyz', '/openapi.json']))
  })

  test('do not start when two of them serve a path and it is not decided who does', () => {
    const web = new Hono().get('/jobs', (c) => c.text('web'))
    const registry = new Hono().get('/v1/trainers/:name', (c) => c.text('registry'))
    const runner = new Hono().get('/v1/:kind/best', (c) => c.text('runner'))
    expect(() => combineServers({ web, registry, runner })).toThrow(
      'registry and runner both serve /v1/trainers/:name and /v1/:kind/best',
    )
  })

  test.each([
    ['/v1/jobs/7/nonsense', 'runner'],
    ['/v1/trainers/a/b/c/d', 'registry'],
    ['/jobs/7/nonsense', 'web'],
    ['/nonsense', 'web'],
  ])('%s does not exist, says the nearest server: %s', async (path, name) => {
    expect(await ask(path)).toBe(`${name}: not found`)
  })

  test('unknown paths of the APIs are answered by an API, not by a page', async () => {
    expect(await ask('/v1/jobsmith')).toMatch(/^(registry|runner): not found/)
  })

  test('show one OpenAPI document of both APIs, and each its own', async () => {
    expect(JSON.parse(await ask('/openapi.json')).paths).toEqual({ '/registry': {}, '/runner': {} })
    expect(JSON.parse(await ask('/openapi/registry.json')).paths).toEqual({ '/registry': {} })
    expect(JSON.parse(await ask('/openapi/runner.json')).paths).toEqual({ '/runner': {} })
  })

  test('the OpenAPI document has every documented route, and its references resolve', async () => {
    const real = combineServers(servers)
    const document = (await (await real.request('/openapi.json')).json()) as { paths: object; components: object }
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/v1/retention', '/v1/trainers', '/v1/me', '/v1/jobs/{id}/logs']),
    )
    for (const [, kind, name] of JSON.stringify(document).matchAll(/"#\/components\/(\w+)\/(\w+)"/g))
      expect(document.components).toHaveProperty([kind ?? '', name ?? ''])
  })

  test('/metrics has those of every server, and those of the process once', () => {
    const cpu = '# HELP process_cpu CPU\n# TYPE process_cpu counter\nprocess_cpu 1\n'
    const jobs = '# HELP jobs Jobs\n# TYPE jobs gauge\njobs{state="queued"} 2\n'
    const blobs = '# HELP blobs Blobs\n# TYPE blobs gauge\nblobs 3\n'
    expect(mergeMetrics(`${cpu}\n${jobs}`, `${cpu}\n${blobs}`)).toBe(`${cpu}\n${jobs}${blobs}`)
  })

  test('/readyz reports ready only when every server is ready', async () => {
    expect((await app.request('/healthz')).status).toBe(200)
    expect((await app.request('/readyz')).status).toBe(503)
  })
})
