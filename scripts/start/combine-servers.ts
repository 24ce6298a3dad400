import { Hono } from 'hono'

interface App {
  fetch(request: Request, bindings?: object): Response | Promise<Response>
}

export interface Servers {
  registry: App
  runner: App
  web: App
  /** Only with the folder store: S3 serves its own URLs. */
  store?: App | undefined
}

const REGISTRY = /^\/(v2|token|v1\/(trainers|checks))(\/|$)/
/** Both servers share the identity tables; one of them serves the routes. */
const RUNNER = /^\/(v1\/(jobs|datasets|snapshots|accounts|sessions|me|organisations|tokens)|api\/v1)(\/|$)/

/** One app over all servers: dispatches each request by its path, as a load balancer would. */
export function combineServers({ registry, runner, web, store }: Servers): Hono {
  const app = new Hono()
  const pick = (path: string): App => {
    if (REGISTRY.test(path)) return registry
    if (RUNNER.test(path)) return runner
    if (store !== undefined && path.startsWith('/storage/')) return store
    return web
  }
  const named = { registry, runner } as const
  for (const [name, server] of Object.entries(named)) {
    app.get(`/openapi/${name}.json`, (c) => server.fetch(at(c.req.raw, '/openapi.json')))
  }
  for (const path of ['/healthz', '/readyz']) {
    app.get(path, async (c) => {
      const answers = await Promise.all([registry, runner].map((server) => server.fetch(at(c.req.raw, path))))
      return answers.find((answer) => !answer.ok) ?? answers[0] ?? c.notFound()
    })
  }
  app.all('*', (c) => pick(new URL(c.req.url).pathname).fetch(c.req.raw, c.env as object | undefined))
  return app
}

/** The same request with another path. */
function at(request: Request, path: string): Request {
  return new Request(new URL(path, request.url), { headers: request.headers })
}
