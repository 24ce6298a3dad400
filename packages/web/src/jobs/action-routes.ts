import { Hono } from 'hono'
import type { WebContext, WebEnv } from '../context.ts'
import { getJobId } from './job-id.ts'

/** The forms of the dialogs of a job. */
export function actionRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()
  app.post('/:id/cancel', async (c) => {
    const job = await context.client.jobs.cancel(getJobId(c))
    return c.redirect(`/jobs/${job.id}`, 303)
  })
  app.post('/:id/restart', async (c) => {
    const { fresh } = await c.req.parseBody()
    const job = await context.client.jobs.restart(getJobId(c), { fresh: fresh === 'yes' })
    return c.redirect(`/jobs/${job.id}`, 303)
  })
  app.post('/:id/delete', async (c) => {
    const id = getJobId(c)
    await context.client.jobs.delete(id)
    return c.redirect(`/jobs?deleted=${id}`, 303)
  })
  return app
}
