import { listen } from '@trainyard/platform'

export interface BackendProxy {
  url: string
  /** Called when the backend has answered, before the response is passed on. Can be replaced at any time. */
  answered: (request: { path: string; body: string }) => Promise<void>
  close(): Promise<void>
}

/** A proxy between a runner and a backend. */
export async function startBackendProxy(target: string): Promise<BackendProxy> {
  const server = await listen(
    {
      async fetch(request) {
        const { pathname, search } = new URL(request.url)
        const body = await request.arrayBuffer()
        const { 'content-type': type = 'application/octet-stream' } = Object.fromEntries(request.headers)
        const init: RequestInit = { method: request.method }
        if (request.method !== 'GET') Object.assign(init, { body, headers: { 'content-type': type } })
        const response = await fetch(`${target}${pathname}${search}`, init)
        const text = await response.text()
        await proxy.answered({ path: pathname, body: Buffer.from(body).toString() })
        return new Response(text, { status: response.status, headers: { 'content-type': 'application/json' } })
      },
    },
    { port: 0, drainMs: 50 },
  )
  const proxy: BackendProxy = { url: server.url, answered: async () => {}, close: async () => await server.close() }
  return proxy
}
