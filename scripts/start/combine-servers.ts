import { Hono } from 'hono'
import { inspectRoutes } from 'hono/dev'
import { mergeOpenApi, type OpenApiDocument } from './merge-open-api.ts'

/** A Hono app, whatever its variables and bindings are. */
export interface App {
  fetch(request: Request, bindings?: object): Response | Promise<Response>
  routes: Hono['routes']
}

export interface Servers {
  registry: App
  runner: App
  web: App
  /** Only with the folder store: S3 serves its own URLs. */
  store?: App | undefined
}
export type ServerName = keyof Servers

/** A path pattern that several servers have. */
export interface Clash {
  servers: ServerName[]
  paths: string[]
}

interface SharedPaths {
  matches: RegExp
  /** The server that gets the requests; `all`: this process asks all of them. */
  served: ServerName | 'all'
  why: string
}

/** Every path that several servers have is decided here. */
const SHARED_PATHS: readonly SharedPaths[] = [
  {
    matches: /^\/v1\/(accounts|sessions|me|organisations|tokens)(\/|$)/,
    served: 'runner',
    why: 'registry and runner mount the same routes over the same identity tables',
  },
  { matches: /^\/(healthz|readyz)$/, served: 'all', why: 'the platform is ready when every server is' },
  { matches: /^\/metrics$/, served: 'all', why: 'Prometheus reads the metrics of all servers in one request' },
  { matches: /^\/openapi\.json$/, served: 'all', why: 'one document describes the routes of both APIs' },
  {
    matches: /^\/openapi\/(runner|registry)\.json$/,
    served: 'all',
    why: 'this process has both servers, which the pages would ask over HTTP',
  },
]

/** Unknown paths that no server is nearest to get the page "not found". */
const ORDER = ['web', 'registry', 'runner', 'store'] as const

/**
 * One app over all servers: dispatches each request by its path, as a load balancer would. The paths are those of the
 * servers' own route tables.
 *
 * @throws Error if two servers have a path that {@link SHARED_PATHS} does not decide
 */
export function combineServers(servers: Servers): Hono {
  const tables = routeTables(servers)
  for (const { servers: names, paths } of findClashes(tables))
    if (!paths.every((path) => findShared(path)))
      throw new Error(`${names.join(' and ')} both serve ${paths.join(' and ')}: decide in SHARED_PATHS who does`)
  const app = new Hono()
  mountMerged(app, servers)
  for (const { name, server, paths } of tables)
    for (const path of paths)
      if ((findShared(path)?.served ?? name) === name)
        app.all(path, (c) => server.fetch(c.req.raw, c.env as object | undefined))
  app.all('*', (c) => {
    const { server } = nearestTable(tables, c.req.path)
    return server.fetch(c.req.raw, c.env as object | undefined)
  })
  return app
}

export interface RouteTable {
  name: ServerName
  server: App
  /** Patterns of its paths, without those of middleware. */
  paths: string[]
}

export function routeTables(servers: Servers): RouteTable[] {
  return ORDER.flatMap((name) => {
    const server = servers[name]
    if (server === undefined) return []
    const routes = inspectRoutes(server as Hono).filter(({ isMiddleware }) => !isMiddleware)
    return [{ name, server, paths: [...new Set(routes.map(({ path }) => path))] }]
  })
}

/** Paths of different servers that one request can match. */
export function findClashes(tables: readonly RouteTable[]): Clash[] {
  const clashes: Clash[] = []
  for (const [index, one] of tables.entries())
    for (const other of tables.slice(index + 1))
      for (const path of one.paths)
        for (const otherPath of other.paths)
          if (overlap(path.split('/'), otherPath.split('/')))
            clashes.push({ servers: [one.name, other.name], paths: [...new Set([path, otherPath])] })
  return clashes
}

export const findShared = (path: string): SharedPaths | undefined =>
  SHARED_PATHS.find(({ matches }) => matches.test(path))

function overlap([a, ...restA]: string[], [b, ...restB]: string[]): boolean {
  if (a === '*' || b === '*') return true
  if (a === undefined || b === undefined) return a === b
  const isSame = a === b || a.startsWith(':') || b.startsWith(':')
  return isSame && overlap(restA, restB)
}

/** The server that has the path with the longest common beginning: it answers 404 in its own format. */
function nearestTable(tables: readonly RouteTable[], path: string): RouteTable {
  const segments = path.split('/').slice(1)
  const common = ({ paths }: RouteTable) =>
    Math.max(
      ...paths.map((pattern) => {
        const parts = pattern.split('/').slice(1)
        const differs = segments.findIndex(
          (segment, at) => parts[at] !== segment && parts[at]?.startsWith(':') !== true,
        )
        return differs < 0 ? segments.length : differs
      }),
    )
  return tables.reduce((best, table) => (common(table) > common(best) ? table : best))
}

function mountMerged(app: Hono, servers: Servers): void {
  const { registry, runner, web } = servers
  for (const path of ['/healthz', '/readyz']) {
    app.get(path, async (c) => {
      const answers = await Promise.all([registry, runner, web].map((server) => server.fetch(at(c.req.raw, path))))
      return answers.find((answer) => !answer.ok) ?? answers[0] ?? c.notFound()
    })
  }
  app.get('/metrics', async (c) => {
    const [own, others] = await Promise.all([runner, registry].map((server) => server.fetch(at(c.req.raw, '/metrics'))))
    if (own === undefined || others === undefined) return c.notFound()
    if (!own.ok || !others.ok) return own.ok ? others : own
    return c.text(mergeMetrics(await own.text(), await others.text()), 200, Object.fromEntries(own.headers))
  })
  const readDocument = async (server: App, request: Request): Promise<OpenApiDocument> =>
    (await (await server.fetch(at(request, '/openapi.json'))).json()) as OpenApiDocument
  app.get('/openapi.json', async (c) =>
    c.json(mergeOpenApi(await Promise.all([registry, runner].map((server) => readDocument(server, c.req.raw))))),
  )
  for (const [name, server] of Object.entries({ registry, runner }))
    app.get(`/openapi/${name}.json`, (c) => server.fetch(at(c.req.raw, '/openapi.json')))
}

/** The metrics of two servers of one process: those of the process itself, which both have, once. */
export function mergeMetrics(one: string, other: string): string {
  const families = (text: string) => text.split(/^(?=# HELP )/m)
  const nameOf = (family: string) => /^# HELP (\S+)/.exec(family)?.[1]
  const known = new Set(families(one).map(nameOf))
  return [one.trimEnd(), ...families(other).filter((family) => !known.has(nameOf(family)))]
    .map((text) => `${text.trimEnd()}\n`)
    .join('')
}

/** The same request with another path. */
function at(request: Request, path: string): Request {
  return new Request(new URL(path, request.url), { headers: request.headers })
}
