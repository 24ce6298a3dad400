import { JobState } from '@trainyard/contract'
import { Hono } from 'hono'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { NotFoundPage } from '../problems.tsx'
import { actionRoutes } from './action-routes.ts'
import { getJobId, parseJobId } from './job-id.ts'
import { JobPage } from './job-page.tsx'
import { JobListPage } from './list-page.tsx'
import { streamJobPage } from './live.tsx'
import { LogGapLines } from './log-section.tsx'
import { metricRoutes } from './metric-routes.ts'
import { LogQuery, readLogGap, readLogPage } from './read-log-page.ts'
import { pointsFor, toChartSeries } from './series.ts'

const ListQuery = z.object({
  state: JobState.optional().catch(undefined),
  trainer: z.string().trim().max(300).optional().catch(undefined),
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
const GapQuery = z.object({
  after: z.coerce.number().int().nonnegative(),
  before: z.coerce.number().int().positive(),
  level: LogQuery.shape.level,
})

export function jobRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  app.get('/', async (c) => {
    const query = ListQuery.parse(c.req.query())
    const list = await context.client.jobs.list({ ...query, trainer: query.trainer || undefined, limit: 25 })
    return c.html(
      <JobListPage
        assetUrl={c.get('assetUrl')}
        query={query}
        list={list}
        deleted={DeletedQuery.parse(c.req.query()).deleted}
        runnerUrl={context.runnerUrl}
        now={context.now()}
      />,
    )
  })

  app.use('/:id/*', async (c, next) => {
    if (parseJobId(c) === undefined) return c.html(<NotFoundPage assetUrl={c.get('assetUrl')} path={c.req.path} />, 404)
    return next()
  })

  app.route('/', metricRoutes(context))

  app.get('/:id', async (c) => {
    const id = getJobId(c)
    const query = LogQuery.parse(c.req.query())
    const { client } = context
    const [job, { attempts }] = await Promise.all([client.jobs.get(id), client.jobs.attempts(id, { limit: 1000 })])
    const earlier = attempts.find(({ attempt }) => attempt === query.attempt && attempt < job.attempt)
    const attempt = earlier?.attempt
    const [metrics, logs, { artifacts }] = await Promise.all([
      // Those in the job's `latestMetrics` are of the newest attempt.
      client.jobs.metrics(id, {
        attempt: attempt ?? job.attempt,
        points: pointsFor(Object.keys(job.latestMetrics).length),
        only: earlier ? undefined : 'latest',
      }),
      readLogPage(context, id, { ...query, attempt }),
      client.jobs.artifacts(id, { limit: 5000 }),
    ])
    c.header('Cache-Control', 'no-store')
    return c.html(
      <JobPage
        assetUrl={c.get('assetUrl')}
        job={job}
        series={toChartSeries(metrics.series, job.createdAt)}
        logs={logs}
        artifacts={earlier === undefined ? artifacts : artifacts.filter((one) => one.attempt === attempt)}
        attempts={attempts}
        earlier={earlier}
        now={context.now()}
      />,
    )
  })

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
    const { artifacts } = await context.client.jobs.artifacts(getJobId(c), { limit: 5000 })
    const artifact = artifacts.find(({ id }) => id === c.req.param('artifact'))
    const url = artifact === undefined ? undefined : new URL(artifact.url, context.runnerUrl)
    if (url === undefined || !/^https?:$/.test(url.protocol)) return c.notFound()
    c.header('Cache-Control', 'no-store')
    return c.redirect(url.href, 302)
  })

  app.route('/', actionRoutes(context))
  return app
}
