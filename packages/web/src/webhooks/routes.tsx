import type { CreateWebhookRequest, WebhookSecret } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { refusalFrom } from '../people/refusal.ts'
import { NotFoundPage } from '../problems.tsx'
import { t } from '../words/t.ts'
import { DeliveriesPage, type DeliveriesPageProps } from './deliveries-page.tsx'
import { WebhooksPage, type WebhooksPageProps, webhooksPath } from './webhooks-page.tsx'

const text = z.string().trim().catch('')
const Form = z.object({
  url: text,
  description: text,
  events: z.union([z.array(z.string()), z.string().transform((one) => [one])]).catch([]),
})
const doneOf = (c: Context<WebEnv>): string | undefined =>
  ({ removed: t('Removed.'), test: t('A test is on its way.'), replay: t('It is sent again.') })[
    c.req.query('done') ?? ''
  ]

/** The webhooks of an organisation, for its administrators. */
export function webhookRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function list(
    c: Context<WebEnv>,
    namespace: string,
    more: Pick<WebhooksPageProps, 'form' | 'problem' | 'note' | 'made'>,
    status: ContentfulStatusCode = 200,
  ) {
    const webhooks = await context.client.webhooks.list(namespace)
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), namespace, webhooks }
    return c.html(<WebhooksPage {...props} {...more} />, status)
  }

  async function one(
    c: Context<WebEnv>,
    { namespace, id }: { namespace: string; id: string },
    more: Pick<DeliveriesPageProps, 'problem' | 'note'>,
    status: ContentfulStatusCode = 200,
  ) {
    const { webhooks } = context.client
    const webhook = (await webhooks.list(namespace)).find((candidate) => candidate.id === id)
    if (webhook === undefined) return c.html(<NotFoundPage assetUrl={c.get('assetUrl')} path={c.req.path} />, 404)
    const deliveries = await webhooks.deliveries(namespace, id)
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), webhook, deliveries }
    return c.html(<DeliveriesPage {...props} {...more} />, status)
  }

  app.get('/:namespace/webhooks', (c) => list(c, c.req.param('namespace'), { note: doneOf(c) }))
  app.post('/:namespace/webhooks', async (c) => {
    const { namespace } = c.req.param()
    const form = Form.parse(await c.req.parseBody({ all: true }))
    let made: WebhookSecret | undefined
    const refusal = await refusalFrom(async () => {
      made = await context.client.webhooks.create(namespace, toRequest(form))
    })
    if (refusal !== undefined) return await list(c, namespace, { form, problem: refusal.problem }, refusal.status)
    // Not a redirect: only this response holds the secret.
    return await list(c, namespace, { made }, 201)
  })
  app.get('/:namespace/webhooks/:id', (c) => one(c, c.req.param(), { note: doneOf(c) }))
  app.post('/:namespace/webhooks/:id/rotate', async (c) => {
    const { namespace, id } = c.req.param()
    let made: WebhookSecret | undefined
    const refusal = await refusalFrom(async () => {
      made = await context.client.webhooks.rotate(namespace, id)
    })
    if (refusal !== undefined) return await list(c, namespace, { problem: refusal.problem }, refusal.status)
    return await list(c, namespace, { made })
  })
  app.post('/:namespace/webhooks/:id/remove', async (c) => {
    const { namespace, id } = c.req.param()
    const refusal = await refusalFrom(() => context.client.webhooks.remove(namespace, id))
    if (refusal !== undefined) return await list(c, namespace, { problem: refusal.problem }, refusal.status)
    return c.redirect(`${webhooksPath(namespace)}?done=removed`, 303)
  })
  app.post('/:namespace/webhooks/:id/test', async (c) => {
    const { namespace, id } = c.req.param()
    const refusal = await refusalFrom(() => context.client.webhooks.test(namespace, id))
    if (refusal !== undefined) return await one(c, { namespace, id }, { problem: refusal.problem }, refusal.status)
    return c.redirect(`${webhooksPath(namespace)}/${encodeURIComponent(id)}?done=test`, 303)
  })
  app.post('/:namespace/webhooks/:id/deliveries/:delivery/replay', async (c) => {
    const { namespace, id, delivery } = c.req.param()
    const refusal = await refusalFrom(() => context.client.webhooks.replay(namespace, id, delivery))
    if (refusal !== undefined) return await one(c, { namespace, id }, { problem: refusal.problem }, refusal.status)
    return c.redirect(`${webhooksPath(namespace)}/${encodeURIComponent(id)}?done=replay`, 303)
  })
  return app
}

function toRequest({ url, description, events }: z.output<typeof Form>): CreateWebhookRequest {
  return {
    url,
    description: description || undefined,
    // The client refuses what is no event.
    events: events.length === 0 ? undefined : (events as CreateWebhookRequest['events']),
  }
}
