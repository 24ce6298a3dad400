import type { ModerateReviewRequest } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { refusalFrom } from '../people/refusal.ts'
import { withQuery } from '../query.ts'
import { t } from '../words/t.ts'
import { ReportedPage, type ReportedPageProps } from './reported-page.tsx'
import { ReviewsPage, type ReviewsPageProps, reviewsPath } from './reviews-page.tsx'

const text = z.string().trim().catch('')
const Form = z.object({ version: text, rating: text, text, reason: text, note: text, decision: text })
const doneOf = (c: Context<WebEnv>): string | undefined =>
  ({
    saved: t('Saved.'),
    removed: t('Removed.'),
    reported: t('A moderator will check the review.'),
    decided: t('The reports are decided.'),
  })[c.req.query('done') ?? '']

/** Reviews of trainers. */
export function reviewRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function show(
    c: Context<WebEnv>,
    trainer: string,
    more: Pick<ReviewsPageProps, 'form' | 'problem' | 'note'>,
    status: ContentfulStatusCode = 200,
  ) {
    const list = await context.client.reviews.list(trainer, { cursor: c.req.query('cursor') || undefined })
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), trainer, list }
    return c.html(<ReviewsPage {...props} {...more} />, status)
  }
  const trainerOf = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`

  async function change(
    c: Context<WebEnv, '/trainers/:namespace/:name/reviews/*'>,
    done: string,
    action: (trainer: string, form: z.infer<typeof Form>) => Promise<unknown>,
  ) {
    const trainer = trainerOf({ namespace: c.req.param('namespace'), name: c.req.param('name') })
    const form = Form.parse(await c.req.parseBody())
    const refusal = await refusalFrom(() => action(trainer, form))
    if (refusal !== undefined) return await show(c, trainer, { form, problem: refusal.problem }, refusal.status)
    return c.redirect(withQuery(reviewsPath(trainer), { done }), 303)
  }

  const path = '/trainers/:namespace/:name/reviews'
  app.get(path, (c) => show(c, trainerOf(c.req.param()), { note: doneOf(c) }))
  app.post(`${path}/own`, (c) =>
    change(c, 'saved', (trainer, { version, rating, text }) =>
      context.client.reviews.write(trainer, { version, rating: Number(rating), text }),
    ),
  )
  app.post(`${path}/own/delete`, (c) => change(c, 'removed', (trainer) => context.client.reviews.remove(trainer)))
  app.post(`${path}/:review/reply`, (c) =>
    change(c, 'saved', (trainer, { text }) => context.client.reviews.reply(trainer, c.req.param('review'), { text })),
  )
  app.post(`${path}/:review/report`, (c) =>
    change(c, 'reported', (_, { reason }) => context.client.reviews.report(c.req.param('review'), { reason })),
  )

  async function reported(
    c: Context<WebEnv>,
    more: Pick<ReportedPageProps, 'problem' | 'note'>,
    status: ContentfulStatusCode = 200,
  ) {
    const reviews = await context.client.reviews.reported()
    c.header('Cache-Control', 'no-store')
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), reviews }
    return c.html(<ReportedPage {...props} {...more} />, status)
  }
  app.get('/reviews', (c) => reported(c, { note: doneOf(c) }))
  app.post('/reviews/:review/moderate', async (c) => {
    const { decision, note } = Form.parse(await c.req.parseBody())
    const request = { decision, note: note || undefined } as ModerateReviewRequest
    const refusal = await refusalFrom(() => context.client.reviews.moderate(c.req.param('review'), request))
    if (refusal !== undefined) return await reported(c, { problem: refusal.problem }, refusal.status)
    return c.redirect('/reviews?done=decided', 303)
  })
  return app
}
