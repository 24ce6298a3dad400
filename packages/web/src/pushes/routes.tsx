import { TrainyardApiError } from '@trainyard/client'
import type { Appeal } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { refusalFrom } from '../people/refusal.ts'
import { t } from '../words/t.ts'
import { PushListPage } from './list-page.tsx'
import { streamPush } from './live.tsx'
import { PushPage } from './push-page.tsx'
import { ReviewsPage } from './reviews-page.tsx'

const text = z.string().catch('')
const Form = z.object({ fingerprint: text, reason: text, text })
const Decision = z.object({ appeal: text, note: text, verb: z.enum(['approve', 'refuse']).optional().catch(undefined) })

/** The viewer's pushes, with their checks live, and what owners do about findings. */
export function pushRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function page(c: Context<WebEnv>, id: string, problem?: string, status: ContentfulStatusCode = 200) {
    const check = await context.client.checks.get(id)
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), check, problem }
    return c.html(<PushPage {...props} />, status)
  }

  /** Changes a check, and shows its page again: with the reason if the change was refused. */
  async function change(c: Context<WebEnv>, id: string, work: () => Promise<unknown>) {
    const refusal = await refusalFrom(async () => {
      await work()
    })
    if (refusal !== undefined) return await page(c, id, refusal.problem, refusal.status)
    return c.redirect(`/pushes/${encodeURIComponent(id)}`, 303)
  }

  app.get('/', async (c) => {
    const list = await context.client.checks.pushes({ cursor: c.req.query('cursor') })
    c.header('Cache-Control', 'no-store')
    const reviews = (await findAppeals(context))?.length
    return c.html(<PushListPage assetUrl={c.get('assetUrl')} list={list} reviews={reviews} now={context.now()} />)
  })
  async function reviews(c: Context<WebEnv>, problem?: string, status: ContentfulStatusCode = 200) {
    const { checks } = context.client
    const [appeals, rescans] = await Promise.all([checks.appeals(), checks.rescans()])
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), appeals, rescans, problem }
    return c.html(<ReviewsPage {...props} />, status)
  }
  app.get('/reviews', (c) => reviews(c))
  app.post('/rescans', async (c) => {
    const refusal = await refusalFrom(() => context.client.checks.rescan())
    if (refusal !== undefined) return await reviews(c, refusal.problem, refusal.status)
    return c.redirect('/pushes/reviews', 303)
  })
  app.get('/:id', (c) => page(c, c.req.param('id')))
  app.get('/:id/live', async (c) => {
    const id = c.req.param('id')
    await context.client.checks.get(id)
    return streamPush(c, context, id)
  })
  app.post('/:id/retry', (c) => {
    const id = c.req.param('id')
    return change(c, id, () => context.client.checks.retry(id))
  })
  app.post('/:id/suppress', async (c) => {
    const id = c.req.param('id')
    const { fingerprint, reason } = Form.parse(await c.req.parseBody())
    return await change(c, id, () => context.client.checks.suppress(id, { fingerprint, reason }))
  })
  app.post('/:id/appeal', async (c) => {
    const id = c.req.param('id')
    const form = Form.parse(await c.req.parseBody())
    return await change(c, id, () => context.client.checks.appeal(id, { text: form.text }))
  })
  app.post('/:id/decide', async (c) => {
    const id = c.req.param('id')
    const { appeal, note, verb } = Decision.parse(await c.req.parseBody())
    if (verb === undefined) return await page(c, id, t('Choose a decision: approve or refuse'), 400)
    return await change(c, id, () => context.client.checks.decide(appeal, verb, { note }))
  })
  return app
}

/** The reviews that wait, or undefined for a viewer who is no moderator. */
async function findAppeals(context: WebContext): Promise<Appeal[] | undefined> {
  try {
    return await context.client.checks.appeals()
  } catch (error) {
    if (error instanceof TrainyardApiError && error.status === 403) return undefined
    throw error
  }
}
