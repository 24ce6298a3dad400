import { JobId, JobState, LogLevel } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { NotFoundPage } from '../problems.tsx'
import { type JobLogs, JobPage } from './job-page.tsx'
import { JobListPage } from './list-page.tsx'
import { streamJobPage } from './live.tsx'
import { toChartSeries } from './series.ts'

const ListQuery = z.object({
  state: JobState.optional().catch(undefined),
  trainer: z.string().trim().max(300).optional().catch(undefined),
  cursor: z.string().max(1000).optional().catch(undefined),
})
const Level = LogLevel.catch('debug')

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
        runnerUrl={context.runnerUrl}
        now={context.now()}
      />,
    )
  })

  app.use('/:id/*', async (c, next) => {
    if (parseJobId(c) === undefined) return c.html(<NotFoundPage assetUrl={c.get('assetUrl')} path={c.req.path} />, 404)
    return next()
  })

  app.get('/:id', async (c) => {
    const id = getJobId(c)
    const job = await context.client.jobs.get(id)
    const [metrics, logs, { artifacts }] = await Promise.all([
      context.client.jobs.metrics(id, { attempt: job.attempt, points: 500 }),
      readLogTail(context, id, Level.parse(c.req.query('level') ?? 'debug')),
      context.client.jobs.artifacts(id),
    ])
    c.header('Cache-Control', 'no-store')
    return c.html(
      <JobPage
        assetUrl={c.get('assetUrl')}
        job={job}
        series={toChartSeries(metrics.series)}
        logs={logs}
        artifacts={artifacts}
        now={context.now()}
      />,
    )
  })

  app.get('/:id/live', (c) => streamJobPage(c, context, getJobId(c)))

  // A signed address expires after an hour; a page may stay open longer. So the address is signed when the link is followed.
  app.get('/:id/artifacts/:artifact', async (c) => {
    const { artifacts } = await context.client.jobs.artifacts(getJobId(c))
    const artifact = artifacts.find(({ id }) => id === c.req.param('artifact'))
    const url = artifact === undefined ? undefined : new URL(artifact.url, context.runnerUrl)
    if (url === undefined || !/^https?:$/.test(url.protocol)) return c.notFound()
    c.header('Cache-Control', 'no-store')
    return c.redirect(url.href, 302)
  })

  app.post('/:id/cancel', async (c) => {
    const job = await context.client.jobs.cancel(getJobId(c))
    return c.redirect(`/jobs/${job.id}`, 303)
  })
  app.post('/:id/restart', async (c) => {
    const job = await context.client.jobs.restart(getJobId(c))
    return c.redirect(`/jobs/${job.id}`, 303)
  })
  return app
}

function parseJobId(c: Context): JobId | undefined {
  const text = c.req.param('id') ?? ''
  const parsed = JobId.safeParse(/^[1-9]\d*$/.test(text) ? Number(text) : undefined)
  return parsed.success ? parsed.data : undefined
}

/** Only for routes that the check above protects. */
function getJobId(c: Context): JobId {
  return JobId.parse(parseJobId(c))
}

const LINES_SHOWN = 1000
const PAGES_READ = 20

/** The newest lines. The API returns pages from the oldest line on. */
async function readLogTail(context: WebContext, jobId: JobId, level: LogLevel): Promise<JobLogs> {
  let lines: JobLogs['lines'] = []
  let dropped = 0
  let cut = false
  let after: string | undefined
  for (let page = 0; page < PAGES_READ; page += 1) {
    const found = await context.client.jobs.logs(jobId, { level, after, limit: 1000 })
    lines = [...lines, ...found.lines]
    dropped = found.dropped
    if (lines.length > LINES_SHOWN) {
      lines = lines.slice(-LINES_SHOWN)
      cut = true
    }
    after = found.nextCursor
    if (after === undefined || found.lines.length === 0) break
  }
  return { lines, dropped, cut, level }
}
