import { PartKind } from '@trainyard/contract'
import { Hono } from 'hono'
import type { WebContext, WebEnv } from '../context.ts'
import { pictureTypeOf } from '../pictures/picture-type.ts'
import { t } from '../words/t.ts'
import { TrainerListPage } from './list-page.tsx'
import { ListQuery } from './list-query.ts'
import { manageRoutes } from './manage-routes.tsx'
import { showTrainer } from './show-trainer.tsx'

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
        tier: query.tier,
        sort: query.sort,
        cursor: query.cursor,
        limit: 20,
      })
      return c.html(<TrainerListPage assetUrl={c.get('assetUrl')} query={query} list={list} now={context.now()} />)
    })
    .get('/trainers', (c) => c.redirect('/', 301))
    .get('/trainers/:namespace/:name', (c) =>
      showTrainer(context, c, {
        name: `${c.req.param('namespace')}/${c.req.param('name')}`,
        version: c.req.query('version') || undefined,
        done: c.req.query('done') === 'yes',
      }),
    )
    .get('/trainers/:namespace/:name/versions/:version/sbom', async (c) => {
      const { namespace, name, version } = c.req.param()
      const part = PartKind.safeParse(c.req.query('part')).data
      const sbom = await context.client.trainers.sbom(`${namespace}/${name}`, version, part)
      c.header('Content-Disposition', `attachment; filename="${fileName(`${name}-${version}`)}.cdx.json"`)
      return c.body(JSON.stringify(sbom, undefined, 2), 200, { 'Content-Type': 'application/vnd.cyclonedx+json' })
    })
    .get('/trainers/:namespace/:name/versions/:version/picture', async (c) => {
      const { namespace, name, version } = c.req.param()
      const { trainers } = context.client
      const bytes = await trainers.readmePicture(`${namespace}/${name}`, version, c.req.query('path') ?? '')
      const type = pictureTypeOf(bytes)
      if (type === undefined) return c.text(t('The file is not a picture that pages show; download it'), 415)
      c.header('Cache-Control', 'private, max-age=300')
      c.header('Content-Disposition', 'inline')
      return c.body(bytes, 200, { 'Content-Type': type.contentType })
    })
    .route('/', manageRoutes(context))
}

/** What every file system takes. */
const fileName = (text: string): string => text.replace(/[^\w.-]+/g, '-').slice(0, 150)
