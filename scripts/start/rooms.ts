import { Hono } from 'hono'

interface App {
  fetch(request: Request, bindings?: object): Response | Promise<Response>
}

export interface Rooms {
  registry: App
  runner: App
  web: App
  /** Only with the folder store: S3 serves its own addresses. */
  store?: App
}

const REGISTRY = /^\/(v2|token|v1\/(trainers|checks))(\/|$)/
/** Both know the people; one of them answers for both. */
const RUNNER = /^\/(v1\/(jobs|datasets|snapshots|accounts|sessions|me|organisations|tokens)|api\/v1)(\/|$)/

/** One app over all rooms: each request goes to the room that its path belongs to, as a load balancer would send it. */
export function rooms({ registry, runner, web, store }: Rooms): Hono {
  const app = new Hono()
  const pick = (path: string): App => {
    if (REGISTRY.test(path)) return registry
    if (RUNNER.test(path)) return runner
    if (store !== undefined && path.startsWith('/storage/')) return store
    return web
  }
  const named = { registry, runner } as const
  for (const [name, room] of Object.entries(named)) {
    app.get(`/openapi/${name}.json`, (c) => room.fetch(at(c.req.raw, '/openapi.json')))
  }
  for (const path of ['/healthz', '/readyz']) {
    app.get(path, async (c) => {
      const answers = await Promise.all([registry, runner].map((room) => room.fetch(at(c.req.raw, path))))
      return answers.find((answer) => !answer.ok) ?? answers[0] ?? c.notFound()
    })
  }
  app.all('*', (c) => pick(new URL(c.req.url).pathname).fetch(c.req.raw, c.env as object | undefined))
  return app
}

/** The same request for another path. */
function at(request: Request, path: string): Request {
  return new Request(new URL(path, request.url), { headers: request.headers })
}
