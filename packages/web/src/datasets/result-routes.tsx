import { REPORT_PAGE_POLICY, TargetFormat } from '@trainyard/contract'
import type { Context, Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { z } from 'zod'
import { Layout } from '../components/layout.tsx'
import type { WebContext, WebEnv } from '../context.ts'
import { t } from '../words/t.ts'
import { DiffPage } from './diff-page.tsx'

const RELOAD_SECONDS = '3'
const DownloadQuery = z.object({ as: TargetFormat.optional() })
const DiffQuery = z.object({ from: z.coerce.number().int().positive().optional() })

/** The query of an address, or a page that names the field, the value and what is expected. */
function readQuery<T>(c: Context<WebEnv>, schema: z.ZodType<T>, expected: string): T {
  const query = c.req.query()
  const parsed = schema.safeParse(query)
  if (parsed.success) return parsed.data
  const field = String(parsed.error.issues[0]?.path[0])
  const message = t('"{field}" is {value}: expected {expected}', {
    field,
    value: JSON.stringify(query[field]?.slice(0, 100)) ?? '',
    expected,
  })
  throw new HTTPException(400, { message })
}

/** Reports, differences and downloads of versions. */
export function addResultPages(app: Hono<WebEnv>, context: WebContext): void {
  /** The browser asks again automatically. */
  function preparing(c: Context<WebEnv>) {
    c.header('Refresh', RELOAD_SECONDS)
    return c.html(
      <Layout assetUrl={c.get('assetUrl')} title={t('Preparing · Dataset')} section="datasets">
        <h1>{t('Preparing')}</h1>
        <p role="status">{t('The server prepares it. This page tries again every few seconds.')}</p>
        <p>
          <a href={`/datasets/${c.req.param('id')}`}>{t('Back to the dataset')}</a>
        </p>
      </Layout>,
      202,
    )
  }

  app.get('/:id/diff', async (c) => {
    const id = c.req.param('id')
    // Before anything is asked: a request that is left behind can fail while no code awaits it.
    const query = readQuery(c, DiffQuery, t('the number of a version'))
    const [dataset, diff] = await Promise.all([
      context.client.datasets.get(id),
      context.client.datasets.diff(id, query),
    ])
    if (diff === undefined) return preparing(c)
    return c.html(<DiffPage assetUrl={c.get('assetUrl')} id={dataset.id} name={dataset.name} diff={diff} />)
  })
  app.get('/:id/report', async (c) => {
    const response = await context.client.datasets.reportPage(c.req.param('id'))
    if (response === undefined) return preparing(c)
    return new Response(response.body, {
      headers: {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': REPORT_PAGE_POLICY,
        'X-Content-Type-Options': 'nosniff',
      },
    })
  })
  app.get('/:id/download', async (c) => {
    const id = c.req.param('id')
    const { as } = readQuery(c, DownloadQuery, TargetFormat.options.join(', '))
    const response = await context.client.datasets.download(id, { as })
    if (response === undefined) return preparing(c)
    const name = `${id.replaceAll(/[^\w@.-]/g, '-')}${as === undefined ? '' : `-${as}`}.tar`
    return new Response(response.body, {
      headers: { 'Content-Type': 'application/x-tar', 'Content-Disposition': `attachment; filename="${name}"` },
    })
  })
}
