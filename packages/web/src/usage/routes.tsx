import { UsageBy, type UsageReport } from '@trainyard/contract'
import { Hono } from 'hono'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { refusalFrom } from '../people/refusal.ts'
import { UsagePage } from './usage-page.tsx'

const text = z.string().trim().catch('')
const Query = z.object({ by: UsageBy.catch('project'), from: text, to: text, project: text, all: text })

/** Empty fields have the API's defaults. */
function toRequest({ by, from, to, project, all }: z.infer<typeof Query>) {
  const given = (value: string) => (value === '' ? undefined : value)
  return { by, from: given(from), to: given(to), project: given(project), all: all === 'true' ? true : undefined }
}

/** `/usage` and `/usage.csv` */
export function usageRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()
  app.get('/usage', async (c) => {
    const form = Query.parse(c.req.query())
    const { identity, usage } = context.client
    const me = await identity.me()
    let report: UsageReport | undefined
    const refusal = await refusalFrom(async () => {
      report = await usage.report(toRequest(form))
    })
    c.header('Cache-Control', 'no-store')
    const page = {
      assetUrl: c.get('assetUrl'),
      now: context.now(),
      isOperator: me.account?.operator === true,
      form,
      report,
      problem: refusal?.problem,
    }
    return c.html(<UsagePage {...page} />, refusal?.status ?? 200)
  })
  app.get('/usage.csv', async (c) => {
    const file = await context.client.usage.csv(toRequest(Query.parse(c.req.query())))
    c.header('Content-Type', 'text/csv; charset=utf-8')
    c.header('Content-Disposition', file.headers.get('content-disposition') ?? 'attachment; filename="usage.csv"')
    c.header('Cache-Control', 'no-store')
    return c.body(await file.text())
  })
  return app
}
