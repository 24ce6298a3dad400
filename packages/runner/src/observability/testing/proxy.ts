import { listen } from '@trainyard/platform'

export interface BackendProxy {
  url: string
  /** Called when the backend has answered and the asker does not know it yet. May be changed at any time. */
  answered: (request: { path: string; body: string }) => Promise<void>
  close(): Promise<void>
}

/** Stands between a runner and a backend. */
export async function startBackendProxy(target: string): Promise<BackendProxy> {
  const server = await listen(
    {
      async fetch(request) {
        const { pathname, search } = new URL(request.url)
        const body = await request.arrayBuffer()
        const { 'content-type': type = 'application/octet-stream' } = Object.fromEntries(request.headers)
        const hasBody = request.method !== 'GET'
        const answer = await fetch(`${target}${pathname}${search}`, {
          method: request.method,
          ...(hasBody ? { body, headers: { 'content-type': type } } : {}),
        })
        const text = await answer.text()
        await proxy.answered({ path: pathname, body: Buffer.from(body).toString() })
        return new Response(text, { status: answer.status, headers: { 'content-type': 'application/json' } })
      },
    },
    { port: 0, drainMs: 50 },
  )
  const proxy: BackendProxy = { url: server.url, answered: async () => {}, close: async () => await server.close() }
  return proxy
}
