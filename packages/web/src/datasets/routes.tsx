import { type ArchiveBody, TrainyardApiError } from '@trainyard/client'
import { SplitName } from '@trainyard/contract'
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { WebContext, WebEnv } from '../context.ts'
import { refusalFrom, refusalOf } from '../people/refusal.ts'
import { t } from '../words/t.ts'
import { DatasetPage } from './dataset-page.tsx'
import { DatasetListPage } from './list-page.tsx'
import { readUploadForm, type UploadForm } from './read-upload-form.ts'
import { addResultPages } from './result-routes.tsx'

const Cursor = z.string().max(8192).optional().catch(undefined)
const ImagesQuery = z.object({
  class: z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .optional()
    .catch(undefined),
  split: SplitName.optional().catch(undefined),
  cursor: Cursor,
})
const IMAGES_PER_PAGE = 24
const SHOWN_VERSIONS = 20
/** As many classes as the filter lists. */
const SHOWN_CLASSES = 200

export function datasetRoutes(context: WebContext): Hono<WebEnv> {
  const app = new Hono<WebEnv>()

  async function show(c: Context<WebEnv>, id: string, problem?: string, status?: ContentfulStatusCode) {
    const { datasets } = context.client
    const query = ImagesQuery.parse(c.req.query())
    const [dataset, versions, counts, list] = await Promise.all([
      datasets.get(id),
      datasets.versions(id, { limit: SHOWN_VERSIONS }),
      datasets.classes(id, { limit: SHOWN_CLASSES }),
      datasets.images(id, { ...query, limit: IMAGES_PER_PAGE }),
    ])
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), dataset, versions, counts, list, query, problem }
    return c.html(<DatasetPage {...props} />, status)
  }

  async function list(c: Context<WebEnv>, refused?: { problem: string; name: string }, status?: ContentfulStatusCode) {
    const cursor = Cursor.parse(c.req.query('cursor'))
    const page = await context.client.datasets.list({ cursor, limit: 25 })
    const props = { assetUrl: c.get('assetUrl'), now: context.now(), list: page, cursor, refused }
    return c.html(<DatasetListPage {...props} deleted={c.req.query('done') === 'deleted'} />, status)
  }

  /** Uploads a dataset, or a version of one. Returns what its page is called. */
  async function send(archive: ArchiveBody, { name, message, dataset }: Omit<UploadForm, 'archive'>): Promise<string> {
    const { datasets } = context.client
    if (dataset === '') return (await datasets.upload(archive, { name })).id
    const added = await datasets.addVersion(dataset, archive, { message: message.trim() || undefined })
    return `${added.id}@${added.version}`
  }

  app.get('/', (c) => list(c))
  // A form without scripts.
  app.post('/upload', async (c) => {
    // Before gigabytes are read: without a session, this leads to the sign-in page.
    await context.client.identity.me()
    const { name, message, dataset, archive } = await readUploadForm(c.req.raw)
    let id = ''
    const refusal = await refusalFrom(async () => {
      id = await send(archive, { name, message, dataset })
    })
    if (refusal === undefined) return c.redirect(`/datasets/${id}`, 303)
    // The browser reads the answer after it has sent everything.
    archive.resume()
    if (dataset !== '') return await show(c, dataset, refusal.problem, refusal.status)
    return await list(c, { problem: refusal.problem, name }, refusal.status)
  })
  // By a script, which shows the progress: the body is the archive. Other sites would have to ask for this request first.
  app.put('/upload', async (c) => {
    const { body } = c.req.raw
    if (body === null || c.req.header('content-type') !== 'application/octet-stream')
      return c.json({ problem: 'Expected an archive as application/octet-stream' }, 415)
    try {
      const { name = '', message = '', dataset = '' } = c.req.query()
      const id = await send(body, { name, message, dataset })
      return c.json({ next: `/datasets/${id}` }, 201)
    } catch (error) {
      if (error instanceof TrainyardApiError && error.status === 401)
        return c.json({ next: '/sign-in?to=%2Fdatasets' }, 401)
      const refusal = refusalOf(error)
      if (refusal !== undefined) return c.json({ problem: refusal.problem }, refusal.status)
      // A server that answers 503 reports the reason itself.
      if (!(error instanceof TrainyardApiError)) context.logger.error({ err: error }, 'an upload failed')
      return c.json({ problem: t('The server does not respond') }, 502)
    }
  })
  addResultPages(app, context)
  app.get('/:id', (c) => show(c, c.req.param('id')))
  app.post('/:id/delete', async (c) => {
    const id = c.req.param('id')
    const refusal = await refusalFrom(() => context.client.datasets.delete(id))
    if (refusal !== undefined) return await show(c, id, refusal.problem, refusal.status)
    return c.redirect('/datasets?done=deleted', 303)
  })
  // The server chose the content type by the bytes. Nothing else of its response is passed on.
  app.get('/:id/picture', async (c) => {
    const response = await context.client.datasets.picture(c.req.param('id'), c.req.query('path') ?? '')
    const type = response.headers.get('content-type') ?? ''
    if (!/^image\/(png|jpeg|webp|gif|bmp)$/.test(type)) {
      await response.body?.cancel()
      return c.notFound()
    }
    return new Response(response.body, { headers: { 'Content-Type': type, 'Cache-Control': 'private, max-age=3600' } })
  })
  return app
}
