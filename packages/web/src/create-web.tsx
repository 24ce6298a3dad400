import { Hono } from 'hono'
import { contextStorage, getContext } from 'hono/context-storage'
import { loadAssets } from './assets.ts'
import { favicon } from './components/logo.tsx'
import { compressed } from './compressed.ts'
import type { WebContext, WebEnv, WebLogger } from './context.ts'
import { datasetRoutes } from './datasets/routes.tsx'
import { experimentRoutes } from './experiments/routes.tsx'
import { formGate } from './form-gate.ts'
import { httpApiRoutes } from './http-api/routes.tsx'
import { jobRoutes } from './jobs/routes.tsx'
import { languageRoutes } from './language-routes.ts'
import { newJobRoutes } from './new-job/routes.tsx'
import { ownershipRoutes } from './ownership/routes.tsx'
import { peopleRoutes } from './people/routes.tsx'
import { predictRoutes } from './predict/routes.tsx'
import { handleError, NotFoundPage } from './problems.tsx'
import { publisherRoutes } from './publishers/routes.tsx'
import { pushRoutes } from './pushes/routes.tsx'
import { reviewRoutes } from './reviews/routes.tsx'
import { csrfProtection, securityHeaders } from './security.ts'
import { clientOf } from './session/credentials.ts'
import { findViewer, isPageView } from './session/find-viewer.ts'
import { trainerRoutes } from './trainers/routes.tsx'
import { upstreamFetch } from './upstream.ts'
import { usageRoutes } from './usage/routes.tsx'
import { webhookRoutes } from './webhooks/routes.tsx'
import { chooseLanguage } from './words/middleware.ts'

export interface WebOptions {
  /** Origin of the registry's API, for example `http://127.0.0.1:7600`. */
  registryUrl: string
  /** Origin of the runner's API. */
  runnerUrl: string
  /**
   * The `PAGES_SECRET` of the servers: they then count each viewer by the own address. Without it, they see the address of
   * the pages.
   */
  pagesSecret?: string | undefined
  /** Sends the requests to the APIs. Default: the global `fetch`. */
  fetch?: typeof fetch
  /** Logs failures that are answered with a 5xx page. Default: the console. */
  logger?: WebLogger
  /** The clock behind "3 minutes ago". Default: the system's clock. */
  now?: () => Date
}

const consoleLogger: WebLogger = { error: (fields, message) => console.error(message, fields) }

/** Builds the pages. It does not listen, and it fetches nothing before the first request. */
export function createWeb(options: WebOptions): { app: Hono<WebEnv> } {
  const { fetch = globalThis.fetch, logger = consoleLogger, now = () => new Date() } = options
  const registryUrl = options.registryUrl.replace(/\/+$/, '')
  const runnerUrl = options.runnerUrl.replace(/\/+$/, '')
  const { pagesSecret } = options
  const upstream = { registryUrl, runnerUrl, pagesSecret, fetch: upstreamFetch({ registryUrl, runnerUrl, fetch }) }
  const context: WebContext = {
    registryUrl,
    runnerUrl,
    fetch: upstream.fetch,
    logger,
    now,
    get client() {
      return getContext<WebEnv>().get('client')
    },
  }

  let loading: ReturnType<typeof loadAssets> | undefined
  const assets = () => {
    loading ??= loadAssets()
    return loading
  }

  const app = new Hono<WebEnv>()
  app.use(securityHeaders())
  app.use(compressed())
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', (c) => c.json({ status: 'ok' }))
  app.get('/favicon.svg', (c) => {
    c.header('Cache-Control', 'public, max-age=86400')
    return c.body(favicon, 200, { 'Content-Type': 'image/svg+xml' })
  })
  app.get('/favicon.ico', (c) => c.redirect('/favicon.svg', 301))
  app.get('/robots.txt', (c) =>
    c.text(
      'User-agent: *\nDisallow: /jobs\nDisallow: /datasets\nDisallow: /experiments\nDisallow: /pushes\nDisallow: /reviews\nDisallow: /predict\nDisallow: /publishers\nDisallow: /usage\nDisallow: /sign-in\nDisallow: /account\nDisallow: /organisations\nDisallow: /reset-password\n',
    ),
  )
  app.use(async (c, next) => {
    const { url } = await assets()
    c.set('assetUrl', url)
    await next()
  })
  app.get('/assets/:file', async (c) => {
    const asset = (await assets()).find(c.req.param('file'))
    if (asset === undefined) return c.notFound()
    // The name holds a hash of the content, so the content of a name never changes.
    c.header('Cache-Control', 'public, max-age=31536000, immutable')
    return c.body(new Uint8Array(asset.contents), 200, { 'Content-Type': asset.contentType })
  })
  app.use(contextStorage())
  app.use(chooseLanguage())
  app.use(csrfProtection())
  app.use(formGate())
  app.use(async (c, next) => {
    const client = clientOf(c, upstream)
    c.set('client', client)
    // Beside what the page itself reads, not after it.
    if (isPageView(c)) c.set('viewer', findViewer(client))
    await next()
  })
  app.route('/', languageRoutes())
  app.route('/', peopleRoutes(context))
  app.route('/', trainerRoutes(context))
  app.route('/', reviewRoutes(context))
  app.route('/datasets', datasetRoutes(context))
  app.route('/jobs/new', newJobRoutes(context))
  app.route('/jobs', jobRoutes(context))
  app.route('/experiments', experimentRoutes(context))
  app.route('/predict', predictRoutes(context))
  app.route('/pushes', pushRoutes(context))
  app.route('/publishers', publisherRoutes(context))
  app.route('/', usageRoutes(context))
  app.route('/', httpApiRoutes(context))
  app.route('/organisations', webhookRoutes(context))
  app.route('/organisations', ownershipRoutes(context))
  app.notFound((c) => c.html(<NotFoundPage assetUrl={c.get('assetUrl')} path={c.req.path} />, 404))
  app.onError(handleError(context))
  return { app }
}
