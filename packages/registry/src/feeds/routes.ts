import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { requireCaller } from '../auth/authenticate.ts'
import { ANONYMOUS } from '../auth/caller.ts'
import { getTrainer } from '../catalogue/get-trainer.ts'
import type { RegistryContext } from '../context.ts'
import { problem } from '../route-parts.ts'
import { renderBadge } from './badge.ts'
import { feedOfAll, feedOfTrainer } from './feeds-of-trainers.ts'
import { renderFeed } from './render-feed.ts'

const params = z.object({ namespace: z.string().max(64), name: z.string().max(64) })
const text = (type: string, description: string) => ({ description, content: { [type]: { schema: z.string() } } })

const badge = createRoute({
  tags: ['catalogue'],
  method: 'get',
  path: '/v1/trainers/{namespace}/{name}/badge',
  summary: 'A picture with the latest version and how far it was checked',
  request: { params },
  responses: { 200: text('image/svg+xml', 'The picture'), 404: problem },
})

const trainerFeed = createRoute({
  tags: ['catalogue'],
  method: 'get',
  path: '/v1/trainers/{namespace}/{name}/feed',
  summary: 'The published versions of a trainer as RSS',
  request: { params },
  responses: { 200: text('application/rss+xml', 'The feed'), 404: problem },
})

const allFeed = createRoute({
  tags: ['catalogue'],
  method: 'get',
  path: '/v1/feed',
  summary: 'The trainers whose latest version was published last, as RSS',
  responses: { 200: text('application/rss+xml', 'The feed') },
})

/** Everyone gets the same, so that readers and the servers between may keep it. */
const headersOf = (type: string) => ({
  'Content-Type': `${type}; charset=utf-8`,
  'Cache-Control': 'public, max-age=300',
  'Content-Security-Policy': "default-src 'none'",
  'X-Content-Type-Options': 'nosniff',
})

/** Badges and feeds show what strangers see, to owners as well. */
export function mountFeedRoutes(api: OpenAPIHono, context: RegistryContext): void {
  api.openapi(badge, async (c) => {
    await requireCaller(context, c.req.raw)
    const { namespace, name } = c.req.valid('param')
    const { latestVersion, trust } = await getTrainer(context, ANONYMOUS, `${namespace}/${name}`)
    return c.body(
      renderBadge({ version: latestVersion, tier: trust?.tier ?? 'unchecked' }),
      200,
      headersOf('image/svg+xml'),
    )
  })
  api.openapi(trainerFeed, async (c) => {
    await requireCaller(context, c.req.raw)
    const { namespace, name } = c.req.valid('param')
    const feed = renderFeed(await feedOfTrainer(context, `${namespace}/${name}`))
    return c.body(feed, 200, headersOf('application/rss+xml'))
  })
  api.openapi(allFeed, async (c) => {
    await requireCaller(context, c.req.raw)
    return c.body(renderFeed(await feedOfAll(context)), 200, headersOf('application/rss+xml'))
  })
}
