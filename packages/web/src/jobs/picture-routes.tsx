import { Hono } from 'hono'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { sendPicture } from '../pictures/send-picture.ts'
import { findArtifact } from './find-artifact.ts'
import { getJobId } from './job-id.ts'
import { readPredictions } from './predictions.tsx'
import { PredictionsPage } from './predictions-page.tsx'

const PREDICTIONS_ON_A_PAGE = 24

const Query = z.object({
  attempt: z.coerce.number().int().positive().max(1_000_000).optional().catch(undefined),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional()
    .catch(undefined),
  path: z.string().min(1).max(1024).optional().catch(undefined),
})

/** Pictures of a job: its plots, and the images of its dataset with predictions drawn on them. */
export function pictureRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  app.get('/:id/artifacts/:artifact/picture', async (c) => {
    const artifact = await findArtifact(context, getJobId(c), c.req.param('artifact'))
    if (artifact === undefined) return c.notFound()
    return await sendPicture(c, context, artifact)
  })

  app.get('/:id/predictions', async (c) => {
    const id = getJobId(c)
    const query = Query.parse(c.req.query())
    const job = await context.client.jobs.get(id)
    const attempt = query.attempt ?? job.attempt
    const { events, nextCursor } = await context.client.jobs.events(id, {
      type: 'prediction',
      attempt,
      cursor: query.cursor,
      limit: PREDICTIONS_ON_A_PAGE,
    })
    c.header('Cache-Control', 'no-store')
    return c.html(
      <PredictionsPage
        assetUrl={c.get('assetUrl')}
        job={job}
        attempt={attempt}
        predictions={readPredictions(events)}
        cursor={query.cursor}
        nextCursor={nextCursor}
      />,
    )
  })

  app.get('/:id/predictions/picture', async (c) => {
    const id = getJobId(c)
    const { path } = Query.parse(c.req.query())
    const job = await context.client.jobs.get(id)
    if (job.dataset === undefined || path === undefined) return c.notFound()
    const { files } = await context.client.datasets.files(job.dataset.id, { path, all: true, limit: 1 })
    const [file] = files
    if (file === undefined) return c.notFound()
    return await sendPicture(c, context, file)
  })
  return app
}
