import { Hono } from 'hono'
import type { WebContext, WebEnv } from '../context.ts'
import { getJobId } from './job-id.ts'
import { lineageOf } from './lineage.ts'
import { LineagePage } from './lineage-page.tsx'

/** What made the files of a job, as a page and as JSON. */
export function lineageRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()
  const read = async (id: ReturnType<typeof getJobId>) => {
    const { jobs } = context.client
    const [job, { attempts }, { artifacts }] = await Promise.all([
      jobs.get(id),
      jobs.attempts(id, { limit: 1000 }),
      jobs.artifacts(id, { limit: 5000 }),
    ])
    return { job, lineage: lineageOf(job, attempts, artifacts) }
  }
  app.get('/:id/lineage', async (c) =>
    c.html(<LineagePage assetUrl={c.get('assetUrl')} {...(await read(getJobId(c)))} />),
  )
  app.get('/:id/lineage.json', async (c) => {
    const { job, lineage } = await read(getJobId(c))
    c.header('Content-Disposition', `attachment; filename="job-${job.id}-lineage.json"`)
    return c.body(`${JSON.stringify(lineage, null, 2)}\n`, 200, { 'Content-Type': 'application/json; charset=utf-8' })
  })
  return app
}
