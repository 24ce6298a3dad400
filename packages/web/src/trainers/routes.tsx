import { TrainyardApiError } from '@trainyard/client'
import type { TrainerVersion } from '@trainyard/contract'
import { Hono } from 'hono'
import type { WebContext, WebEnv } from '../context.ts'
import { TrainerListPage } from './list-page.tsx'
import { ListQuery } from './list-query.ts'
import { TrainerPage } from './trainer-page.tsx'

export function trainerRoutes(context: WebContext): Hono<WebEnv> {
  return new Hono<WebEnv>()
    .get('/', async (c) => {
      const query = ListQuery.parse(c.req.query())
      const list = await context.client.trainers.list({
        q: query.q || undefined,
        task: query.task,
        framework: query.framework || undefined,
        export: query.export,
        reads: query.reads,
        license: query.license || undefined,
        sort: query.sort,
        cursor: query.cursor,
        limit: 20,
      })
      return c.html(<TrainerListPage assetUrl={c.get('assetUrl')} query={query} list={list} now={context.now()} />)
    })
    .get('/trainers', (c) => c.redirect('/', 301))
    .get('/trainers/:namespace/:name', async (c) => {
      const name = `${c.req.param('namespace')}/${c.req.param('name')}`
      const asked = c.req.query('version')
      const trainer = await context.client.trainers.get(name)
      const version = asked
        ? await context.client.trainers.version(name, asked)
        : await findVersion(context, name, trainer.latestVersion)
      return c.html(
        <TrainerPage
          assetUrl={c.get('assetUrl')}
          trainer={trainer}
          version={version}
          runnerUrl={context.runnerUrl}
          now={context.now()}
        />,
      )
    })
}

/** The checks of the latest version are worth showing, but not worth failing for. */
async function findVersion(context: WebContext, name: string, version: string): Promise<TrainerVersion | undefined> {
  try {
    return await context.client.trainers.version(name, version)
  } catch (error) {
    if (error instanceof TrainyardApiError && error.status === 404) return undefined
    throw error
  }
}
