import { Hono } from 'hono'
import { stream } from 'hono/streaming'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { getJobId } from './job-id.ts'
import { metricsCsv } from './metrics-csv.ts'
import { toChartSeries } from './series.ts'

/** Points of one series for a zoomed chart. */
const DETAILED_POINTS = 20_000

const Query = z.object({
  name: z.string().min(1).max(250).optional().catch(undefined),
  attempt: z.coerce.number().int().positive().max(1_000_000).optional().catch(undefined),
})

/** The values behind the charts of a job: as a file, and more points of one series for a closer look. */
export function metricRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  app.get('/:id/metrics.csv', async (c) => {
    const id = getJobId(c)
    const query = Query.parse(c.req.query())
    // Before the first byte, so that a job that does not exist has an error page.
    const job = await context.client.jobs.get(id)
    const attempt = query.attempt ?? job.attempt
    c.header('Content-Type', 'text/csv; charset=utf-8')
    c.header('Content-Disposition', `attachment; filename="job-${id}-attempt-${attempt}.csv"`)
    c.header('Cache-Control', 'no-store')
    return stream(c, async (out) => {
      for await (const text of metricsCsv(context, id, { name: query.name, attempt })) {
        if (out.aborted) return
        await out.write(text)
      }
    })
  })

  app.get('/:id/series', async (c) => {
    const id = getJobId(c)
    const { name, attempt } = Query.parse(c.req.query())
    if (name === undefined) return c.text('Expected the query "name=METRIC"', 400)
    const [job, metrics] = await Promise.all([
      context.client.jobs.get(id),
      context.client.jobs.metrics(id, { name, attempt, points: DETAILED_POINTS }),
    ])
    c.header('Cache-Control', 'no-store')
    return c.json({ points: toChartSeries(metrics.series, job.createdAt)[0]?.points ?? [] })
  })
  return app
}
