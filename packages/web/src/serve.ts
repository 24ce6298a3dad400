import { serve } from '@hono/node-server'
import { z } from 'zod'
import { createWeb } from './index.ts'

const HttpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL, such as "http://127.0.0.1:7600"' })

const Environment = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65535).default(7602),
  REGISTRY_URL: HttpUrl.default('http://127.0.0.1:7600'),
  RUNNER_URL: HttpUrl.default('http://127.0.0.1:7600'),
})

const parsed = Environment.safeParse(process.env)
if (!parsed.success) {
  for (const issue of parsed.error.issues) {
    const name = issue.path.join('.')
    console.error(`${name} ${issue.message}; it is "${process.env[name] ?? ''}"`)
  }
  process.exit(1)
}

const { HOST, PORT, REGISTRY_URL, RUNNER_URL } = parsed.data
const { app } = createWeb({
  registryUrl: REGISTRY_URL,
  runnerUrl: RUNNER_URL,
})
// The pages take nothing but small forms, so a whole request must arrive in half a minute. Answers can be live streams.
const serverOptions = {
  connectionsCheckingInterval: 1000,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5000,
}
const server = serve({ fetch: app.fetch, hostname: HOST, port: PORT, serverOptions }, (address) => {
  console.log(`The pages are at http://${HOST}:${address.port}`)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close()
    // Live streams would keep the server open until their jobs end; browsers reconnect to the next one.
    if ('closeAllConnections' in server) server.closeAllConnections()
  })
}
