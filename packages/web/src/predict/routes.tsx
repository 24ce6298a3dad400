import { TrainyardApiError } from '@trainyard/client'
import type { Job } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { groupArtifacts } from '../jobs/artifact-groups.ts'
import { findArtifact } from '../jobs/find-artifact.ts'
import { sendPicture } from '../pictures/send-picture.ts'
import { NotFoundPage } from '../problems.tsx'
import { setRetryAfter } from '../retry-after.ts'
import { t } from '../words/t.ts'
import { CheckpointPage } from './checkpoint-page.tsx'
import { ChoosePage } from './choose-page.tsx'
import { checkpointPath, ShownTry } from './shown-try.tsx'

/** Below the time after which a page counts as unreachable. */
const WAIT_SECONDS = 8

const JobNumber = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const ListQuery = z.object({
  q: z.string().trim().max(200).catch(''),
  cursor: z.string().max(1000).optional().catch(undefined),
})
const Query = z.object({
  try: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional()
    .catch(undefined),
  threshold: z.coerce.number().min(0).max(1).optional().catch(undefined),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional()
    .catch(undefined),
})

/** Pictures that people try on checkpoints: `/predict`. */
export function predictRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()
  const missing = (c: Context<WebEnv>) => c.html(<NotFoundPage assetUrl={c.get('assetUrl')} path={c.req.path} />, 404)

  app.get('/', async (c) => {
    const { q, cursor } = ListQuery.parse(c.req.query())
    const filter = { state: 'succeeded', operation: 'train', q: q || undefined, cursor, limit: 25 } as const
    const list = await context.client.jobs.list(filter)
    return c.html(<ChoosePage assetUrl={c.get('assetUrl')} list={list} q={q} cursor={cursor} now={context.now()} />)
  })

  app.get('/:job', async (c) => {
    const id = JobNumber.safeParse(c.req.param('job'))
    if (!id.success) return missing(c)
    const [job, { artifacts }] = await Promise.all([
      context.client.jobs.get(id.data),
      context.client.jobs.artifacts(id.data, { limit: 5000 }),
    ])
    const { best, last } = groupArtifacts(job, artifacts)
    const checkpoint = best ?? last
    // The job page says what the job saved, and what it did not.
    return c.redirect(checkpoint === undefined ? `/jobs/${job.id}#files` : checkpointPath(job.id, checkpoint.id), 302)
  })

  app.get('/:job/:checkpoint', (c) => showCheckpoint(c, context))

  // Without scripts.
  app.post('/:job/:checkpoint', async (c) => {
    const target = readTarget(c)
    if (target === undefined) return missing(c)
    // Before anything is read: strangers to the job are refused.
    await context.client.jobs.get(target.job)
    const { picture } = await c.req.parseBody()
    if (!(picture instanceof File) || picture.size === 0)
      return await showCheckpoint(c, context, { problem: t('Choose a picture.'), status: 400 })
    try {
      const { id } = await context.client.jobs.predict(target.job, target.checkpoint, picture, { name: picture.name })
      return c.redirect(`${checkpointPath(target.job, target.checkpoint)}?try=${id}`, 303)
    } catch (error) {
      const refused = readRefusal(c, error)
      return await showCheckpoint(c, context, refused)
    }
  })

  // With scripts: the body is the picture.
  app.post('/:job/:checkpoint/tries', async (c) => {
    const target = readTarget(c)
    if (target === undefined) return c.notFound()
    const name = c.req.query('name')?.slice(0, 200) || 'picture'
    try {
      await context.client.jobs.get(target.job)
      const body = new Uint8Array(await c.req.arrayBuffer())
      const prediction = await context.client.jobs.predict(target.job, target.checkpoint, body, { name })
      return c.json({ id: prediction.id })
    } catch (error) {
      const { problem, status } = readRefusal(c, error)
      return c.json({ problem }, status)
    }
  })

  app.get('/:job/:checkpoint/tries/:id/part', async (c) => {
    const target = readTarget(c)
    if (target === undefined) return c.notFound()
    const { threshold = 0 } = Query.parse(c.req.query())
    const { signal } = c.req.raw
    const options = { wait: WAIT_SECONDS, signal }
    const prediction = await context.client.jobs.prediction(target.job, target.checkpoint, c.req.param('id'), options)
    c.header('Cache-Control', 'no-store')
    return c.html(
      <ShownTry base={checkpointPath(target.job, target.checkpoint)} prediction={prediction} threshold={threshold} />,
    )
  })

  app.get('/:job/:checkpoint/tries/:id/json', async (c) => {
    const target = readTarget(c)
    if (target === undefined) return c.notFound()
    const found = await context.client.jobs.prediction(target.job, target.checkpoint, c.req.param('id'))
    // The signed address of the picture expires, and opens it to everyone who has it.
    const { url: _url, ...picture } = found.picture
    c.header('Cache-Control', 'no-store')
    c.header('Content-Disposition', 'attachment')
    return c.json({ ...found, picture })
  })

  app.get('/:job/:checkpoint/tries/:id/picture', async (c) => {
    const target = readTarget(c)
    if (target === undefined) return c.notFound()
    const { picture } = await context.client.jobs.prediction(target.job, target.checkpoint, c.req.param('id'))
    return await sendPicture(c, context, picture)
  })
  return app
}

function readTarget(c: Context): { job: number; checkpoint: string } | undefined {
  const job = JobNumber.safeParse(c.req.param('job'))
  const checkpoint = c.req.param('checkpoint') ?? ''
  return job.success && /^[\w-]{1,64}$/.test(checkpoint) ? { job: job.data, checkpoint } : undefined
}

/** What the runner says about a picture that it does not take. */
function readRefusal(c: Context, error: unknown): { problem: string; status: ContentfulStatusCode } {
  if (!(error instanceof TrainyardApiError) || error.status === 401 || error.status >= 500) throw error
  setRetryAfter(c, error)
  const detail = error.problem.detail ?? error.message
  const cannot = error.problem.issues?.some(({ path }) => path === 'operation')
  return {
    problem: cannot ? t('The trainer of this job cannot predict: it has no program for that.') : detail,
    status: error.status as ContentfulStatusCode,
  }
}

async function showCheckpoint(
  c: Context<WebEnv>,
  context: WebContext,
  { problem, status = 200 }: { problem?: string; status?: ContentfulStatusCode } = {},
) {
  const target = readTarget(c)
  const missing = () => c.html(<NotFoundPage assetUrl={c.get('assetUrl')} path={c.req.path} />, 404)
  if (target === undefined) return missing()
  const { client } = context
  const query = Query.parse(c.req.query())
  const [job, checkpoint, history, shown] = await Promise.all([
    client.jobs.get(target.job),
    findArtifact(context, target.job, target.checkpoint),
    client.jobs.predictions(target.job, target.checkpoint, { cursor: query.cursor, limit: 20 }),
    query.try === undefined ? undefined : client.jobs.prediction(target.job, target.checkpoint, query.try),
  ])
  if (checkpoint === undefined) return missing()
  c.header('Cache-Control', 'no-store')
  return c.html(
    <CheckpointPage
      assetUrl={c.get('assetUrl')}
      base={checkpointPath(target.job, target.checkpoint)}
      job={job}
      checkpoint={checkpoint}
      shown={shown}
      history={history}
      threshold={query.threshold ?? usualThreshold(job)}
      problem={problem}
      now={context.now()}
    />,
    status,
  )
}

/** Detectors report many unsure boxes; a classifier's second choice is worth a look. */
const usualThreshold = ({ taskType }: Job): number => (taskType === 'classification' ? 0 : 0.25)
