import { ProjectName } from '@trainyard/contract'
import { Hono } from 'hono'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { ExperimentsPage } from './experiments-page.tsx'

/** Jobs of a page. More rows and lines cannot be told apart. */
const JOBS_SHOWN = 100

const Key = z.string().max(300)
const Query = z.object({
  q: z.string().trim().max(200).optional().catch(undefined),
  project: ProjectName.optional().catch(undefined),
  trainer: z.string().trim().max(200).optional().catch(undefined),
  dataset: z.string().trim().max(100).optional().catch(undefined),
  group: z.enum(['none', 'project', 'trainer', 'dataset']).catch('none'),
  picture: z.enum(['parallel', 'scatter']).catch('parallel'),
  sort: Key.optional().catch(undefined),
  x: Key.optional().catch(undefined),
  y: Key.optional().catch(undefined),
  columns: z.array(Key).max(140).catch([]),
  cursor: z.string().max(1000).optional().catch(undefined),
})

/** `/experiments` */
export function experimentRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()
  app.get('/', async (c) => {
    const query = Query.parse({ ...c.req.query(), columns: c.req.queries('columns') ?? [] })
    const [me, list] = await Promise.all([
      context.client.identity.me(),
      context.client.jobs.list({
        operation: 'train',
        q: query.q || undefined,
        project: query.project,
        trainer: query.trainer || undefined,
        dataset: query.dataset || undefined,
        cursor: query.cursor,
        facets: true,
        details: true,
        limit: JOBS_SHOWN,
      }),
    ])
    c.header('Cache-Control', 'no-store')
    const projects = me.projects.map(({ name }) => name)
    return c.html(<ExperimentsPage assetUrl={c.get('assetUrl')} query={query} list={list} projects={projects} />)
  })
  return app
}
