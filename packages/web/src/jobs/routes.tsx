import { JobState, Operation } from '@trainyard/contract'
import { Hono } from 'hono'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { NotFoundPage } from '../problems.tsx'
import { actionRoutes } from './action-routes.ts'
import { compareRoutes, parseDone } from './compare-routes.tsx'
import { findArtifact } from './find-artifact.ts'
import { getJobId, parseIds, parseJobId } from './job-id.ts'
import { lineageRoutes } from './lineage-routes.tsx'
import { JobListPage } from './list-page.tsx'
import { streamJobPage, streamJobPages } from './live.tsx'
import { LogGapLines } from './log-section.tsx'
import { metricRoutes } from './metric-routes.ts'
import { pictureRoutes } from './picture-routes.tsx'
import { LogQuery, readLogGap } from './read-log-page.ts'
import { showJob } from './show-job.tsx'

const ListQuery = z.object({
  state: JobState.optional().catch(undefined),
  q: z.string().trim().max(200).optional().catch(undefined),
  operation: Operation.optional().catch(undefined),
  trainer: z.string().trim().max(200).optional().catch(undefined),
  dataset: z.string().trim().max(100).optional().catch(undefined),
  sort: z.enum(['newest', 'oldest', 'best']).optional().catch(undefined),
  cursor: z.string().max(1000).optional().catch(undefined),
})
/** The job that was just deleted, for a note above the list. */
const DeletedQuery = z.object({
  deleted: z
    .string()
    .regex(/^[1-9]\d{0,15}$/)
    .optional()
    .catch(undefined),
})
/** Jobs that one connection follows. */
const MAX_FOLLOWED = 32

const GapQuery = z.object({
  after: z.coerce.number().int().nonnegative(),
  before: z.coerce.number().int().positive(),
  level: LogQuery.shape.level,
})

export function jobRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  app.get('/', async (c) => {
    const query = ListQuery.parse(c.req.query())
    const list = await context.client.jobs.list({
      ...query,
      q: query.q || undefined,
      trainer: query.trainer || undefined,
      dataset: query.dataset || undefined,
      facets: true,
      limit: 25,
    })
    return c.html(
      <JobListPage
        assetUrl={c.get('assetUrl')}
        query={query}
        list={list}
        done={parseDone(c)}
        deleted={DeletedQuery.parse(c.req.query()).deleted}
        runnerUrl={context.runnerUrl}
        now={context.now()}
      />,
    )
  })

  app.route('/', compareRoutes(context))

  // One connection for all tabs of a browser.
  app.get('/live', (c) => {
    const ids = parseIds(c.req.queries('ids')).slice(0, MAX_FOLLOWED)
    return ids.length === 0 ? c.text('Expected the query "ids=1,2"', 400) : streamJobPages(c, context, ids)
  })

  app.use('/:id/*', async (c, next) => {
    if (parseJobId(c) === undefined) return c.html(<NotFoundPage assetUrl={c.get('assetUrl')} path={c.req.path} />, 404)
    return next()
  })

  app.route('/', lineageRoutes(context))
  app.route('/', metricRoutes(context))
  app.route('/', pictureRoutes(context))

  app.get('/:id', (c) => showJob(c, context))

  // What a page that follows a job has missed between two of its lines.
  app.get('/:id/log-gap', async (c) => {
    const query = GapQuery.safeParse(c.req.query())
    if (!query.success) return c.text('Expected the query "after=ID&before=ID"', 400)
    c.header('Cache-Control', 'no-store')
    return c.html(<LogGapLines gap={await readLogGap(context, getJobId(c), query.data)} />)
  })

  app.get('/:id/live', (c) => streamJobPage(c, context, getJobId(c)))

  // A signed address expires after an hour; a page may stay open longer. So the address is signed when the link is followed.
  app.get('/:id/artifacts/:artifact', async (c) => {
    const artifact = await findArtifact(context, getJobId(c), c.req.param('artifact'))
    const url = artifact === undefined ? undefined : new URL(artifact.url, context.runnerUrl)
    if (url === undefined || !/^https?:$/.test(url.protocol)) return c.notFound()
    c.header('Cache-Control', 'no-store')
    return c.redirect(url.href, 302)
  })

  app.route('/', actionRoutes(context))
  return app
}
