import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { plural } from '../format.ts'
import { refusalFrom } from '../people/refusal.ts'
import { t } from '../words/t.ts'
import { type PublisherForm, PublishersPage, type PublishersPageProps } from './publishers-page.tsx'

const text = z.string().trim().catch('')
const Form = z.object({
  issuer: text,
  repository: text,
  repositoryId: text,
  ownerId: text,
  workflow: text,
  environment: text,
  ref: text,
})

type TrainerContext = Context<WebEnv, '/:namespace/:name'>

/** The publishers of a trainer, which need not exist yet. */
export function publisherRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()
  const nameOf = (c: TrainerContext) => `${c.req.param('namespace')}/${c.req.param('name')}`

  async function page(
    c: TrainerContext,
    more: Pick<PublishersPageProps, 'form' | 'problem' | 'note'>,
    status: ContentfulStatusCode = 200,
  ) {
    const trainer = nameOf(c)
    const { publishing } = context.client
    const [publishers, info] = await Promise.all([publishing.publishers(trainer), publishing.info()])
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), trainer, publishers, info }
    return c.html(<PublishersPage {...props} {...more} />, status)
  }

  app.get('/:namespace/:name', (c) =>
    page(c, { note: { added: t('Added.'), removed: t('Removed.') }[c.req.query('done') ?? ''] }),
  )
  app.post('/:namespace/:name', async (c) => {
    const form: PublisherForm = Form.parse(await c.req.parseBody())
    const { issuer, repository, ...conditions } = form
    const given = Object.fromEntries(Object.entries(conditions).filter(([, value]) => value !== ''))
    const refusal = await refusalFrom(() => context.client.publishing.add(nameOf(c), { issuer, repository, ...given }))
    if (refusal !== undefined) return await page(c, { form, problem: refusal.problem }, refusal.status)
    return c.redirect(`/publishers/${nameOf(c)}?done=added`, 303)
  })
  app.post('/:namespace/:name/:id/remove', async (c) => {
    const refusal = await refusalFrom(() => context.client.publishing.remove(nameOf(c), c.req.param('id')))
    if (refusal !== undefined) return await page(c, { problem: refusal.problem }, refusal.status)
    return c.redirect(`/publishers/${nameOf(c)}?done=removed`, 303)
  })
  app.post('/:namespace/:name/:id/test', async (c) => {
    const id = c.req.param('id')
    const token = text.parse((await c.req.parseBody())[`token-${id}`])
    let more: Pick<PublishersPageProps, 'problem' | 'note'> = {}
    const refusal = await refusalFrom(async () => {
      const { ok, reasons, keys } = await context.client.publishing.test(nameOf(c), id, token || undefined)
      if (!ok) more = { problem: reasons.join('. ') }
      else if (token === '')
        more = {
          note: plural(
            keys ?? 0,
            'The issuer answers; it has {count} key.',
            'The issuer answers; it has {count} keys.',
          ),
        }
      else more = { note: t('The job of this token may publish.') }
    })
    if (refusal !== undefined) return await page(c, { problem: refusal.problem }, refusal.status)
    return await page(c, more)
  })
  return app
}
