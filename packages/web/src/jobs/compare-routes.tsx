import { TrainyardApiError } from '@trainyard/client'
import type { Job, JobId } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { type ComparedJob, ComparePage } from './compare-page.tsx'
import { parseIds } from './job-id.ts'
import { SelectionPage } from './selection-page.tsx'
import { pointsFor, toChartSeries } from './series.ts'

/** More curves in one chart cannot be told apart. */
const MAX_COMPARED = 8
/** Jobs that one form acts on. */
const MAX_SELECTED = 100

const Action = z.enum(['cancel', 'delete'])

/** Pages about several jobs: `ids` is repeated, or a list with commas. */
export function compareRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  app.get('/compare', async (c) => {
    const ids = parseIds(c.req.queries('ids')).slice(0, MAX_COMPARED)
    const found = await readJobs(context, ids)
    const compared = await Promise.all(found.map((job) => readCompared(context, job, found.length)))
    const missing = ids.filter((id) => !found.some((job) => job.id === id))
    c.header('Cache-Control', 'no-store')
    return c.html(<ComparePage assetUrl={c.get('assetUrl')} compared={compared} missing={missing} />)
  })

  // The question before an action on several jobs.
  app.get('/selected', async (c) => {
    const action = Action.safeParse(c.req.query('action'))
    const jobs = await readJobs(context, parseIds(c.req.queries('ids')).slice(0, MAX_SELECTED))
    if (!action.success || jobs.length === 0) return c.redirect('/jobs', 303)
    c.header('Cache-Control', 'no-store')
    return c.html(<SelectionPage assetUrl={c.get('assetUrl')} action={action.data} jobs={jobs} now={context.now()} />)
  })

  app.post('/selected', async (c) => {
    const form = await c.req.parseBody({ all: true })
    const action = Action.safeParse(form.action)
    const ids = parseIds([form.ids ?? []].flat().filter((id) => typeof id === 'string')).slice(0, MAX_SELECTED)
    if (!action.success) return c.redirect('/jobs', 303)
    const refused = await actOn(context, action.data, ids)
    if (refused.length === 0) return c.redirect(`/jobs?done=${action.data}-${ids.length}`, 303)
    const jobs = await readJobs(context, ids)
    return c.html(
      <SelectionPage
        assetUrl={c.get('assetUrl')}
        action={action.data}
        jobs={jobs}
        refused={refused}
        now={context.now()}
      />,
      409,
    )
  })
  return app
}

/** Those that exist and that the viewer can see, in the order of the numbers. */
async function readJobs(context: WebContext, ids: readonly JobId[]): Promise<Job[]> {
  const jobs = await Promise.all(
    ids.map((id) =>
      context.client.jobs.get(id).catch((error: unknown) => {
        if (error instanceof TrainyardApiError && error.status === 404) return undefined
        throw error
      }),
    ),
  )
  return jobs.filter((job) => job !== undefined)
}

async function readCompared({ client }: WebContext, job: Job, count: number): Promise<ComparedJob> {
  const { id, attempt } = job
  const [{ series }, { validations }, { artifacts }] = await Promise.all([
    client.jobs.metrics(id, {
      attempt,
      points: pointsFor(Object.keys(job.latestMetrics).length * count),
      only: 'latest',
    }),
    client.jobs.validations(id, { attempt, limit: 1 }),
    client.jobs.artifacts(id, { limit: 5000 }),
  ])
  return { job, series: toChartSeries(series, job.createdAt), validation: validations[0], artifacts }
}

/** Acts on one job after the other. Returns why each refused, in the words of the runner. */
async function actOn(context: WebContext, action: 'cancel' | 'delete', ids: readonly JobId[]): Promise<string[]> {
  const { jobs } = context.client
  const refused: string[] = []
  for (const id of ids) {
    try {
      await (action === 'cancel' ? jobs.cancel(id) : jobs.delete(id))
    } catch (error) {
      if (!(error instanceof TrainyardApiError) || error.status >= 500 || error.status === 401) throw error
      refused.push(`#${id}: ${error.message}`)
    }
  }
  return refused
}

/** `delete-3` of the address of the list: what was just done to how many jobs. */
export function parseDone(c: Context): { action: 'cancel' | 'delete'; count: number } | undefined {
  const [, action, count] = /^(cancel|delete)-([1-9]\d{0,2})$/.exec(c.req.query('done') ?? '') ?? []
  const parsed = Action.safeParse(action)
  return parsed.success ? { action: parsed.data, count: Number(count) } : undefined
}
