import { Hono } from 'hono'
import type { WebContext, WebEnv } from '../context.ts'
import { HttpApiPage } from './http-api-page.tsx'
import { OpenApiDocument, readOperations } from './operations.ts'

const SERVERS = ['runner', 'registry'] as const

/** `/openapi`, and the documents of the servers at `/openapi/runner.json` and `/openapi/registry.json`. */
export function httpApiRoutes({ runnerUrl, registryUrl, fetch }: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()
  const addresses = { runner: runnerUrl, registry: registryUrl }
  const readDocument = (server: (typeof SERVERS)[number]) => fetch(`${addresses[server]}/openapi.json`)
  app.get('/openapi', async (c) => {
    const answers = await Promise.all(SERVERS.map(readDocument))
    const documents = await Promise.all(answers.map(async (answer) => OpenApiDocument.parse(await answer.json())))
    const operations = readOperations(documents)
    const tags = operations.map(({ tag }) => tag)
    const asked = c.req.query('tag')
    const tag = tags.find((each) => each === asked) ?? tags.find((each) => each === 'Jobs') ?? tags[0] ?? ''
    return c.html(<HttpApiPage assetUrl={c.get('assetUrl')} operations={operations} tag={tag} />)
  })
  for (const server of SERVERS)
    app.get(`/openapi/${server}.json`, async (c) => c.json((await (await readDocument(server)).json()) as object))
  return app
}
