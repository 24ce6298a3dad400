import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  DatasetResultPending,
  DatasetVersionDiff,
  DatasetVersionReport,
  REPORT_PAGE_POLICY,
  TargetFormat,
} from '@trainyard/contract'
import { invalidRequest } from '@trainyard/platform'
import type { Context } from 'hono'
import { json, problem } from '../http/openapi.ts'
import { parseBody } from '../http/read-body.ts'
import { findVersion } from './catalog/find-version.ts'
import type { DatasetContext } from './context.ts'
import { DatasetResults } from './results/results.ts'
import { Archive, VersionParams } from './route-parts.ts'
import { streamOf } from './stream-of.ts'

const RETRY_SECONDS = 3
const pending = json(DatasetResultPending, 'It is being made: ask again after the seconds of `Retry-After`')
const failures = {
  202: pending,
  404: problem('No dataset or version has this name'),
  422: problem('It cannot be made of these files'),
  429: problem('The project waits for too many results'),
}
const reportRoute = createRoute({
  method: 'get',
  path: '/v1/datasets/{id}/report',
  summary: 'Get the findings and distributions of a version, as JSON or as one HTML page',
  request: { params: VersionParams, query: z.object({ as: z.enum(['json', 'html']).default('json') }) },
  responses: {
    200: {
      description: 'The report',
      content: { 'application/json': { schema: DatasetVersionReport }, 'text/html': { schema: z.string() } },
    },
    ...failures,
  },
})
const diffRoute = createRoute({
  method: 'get',
  path: '/v1/datasets/{id}/diff',
  summary: 'Get what changed between two versions of a dataset',
  request: {
    params: VersionParams,
    query: z.object({
      from: z.coerce
        .number()
        .int()
        .min(1)
        .max(999_999_999)
        .optional()
        .describe('The version before. Default: the one before that of the path'),
    }),
  },
  responses: { 200: json(DatasetVersionDiff, 'The difference'), ...failures },
})
const downloadRoute = createRoute({
  method: 'get',
  path: '/v1/datasets/{id}/download',
  summary: 'Download a version as a tar, in any format that is written',
  request: {
    params: VersionParams,
    query: z.object({ as: TargetFormat.optional().describe('Default: the files as they were registered') }),
  },
  responses: { 200: { description: 'The tar', content: { 'application/x-tar': { schema: Archive } } }, ...failures },
})

/** Reports, differences and downloads: made once, in a process of their own. */
export function addResultRoutes(api: OpenAPIHono, context: DatasetContext): void {
  const results = new DatasetResults(context)

  async function send(c: Context, key: string | undefined, headers: Record<string, string>) {
    if (key === undefined) return c.json({ state: 'preparing' }, 202, { 'Retry-After': String(RETRY_SECONDS) })
    const { body, sizeBytes } = await context.store.get(key)
    return c.body(streamOf(body), 200, {
      'Content-Length': String(sizeBytes),
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'private, no-cache',
      ...headers,
    })
  }

  // Only described to OpenAPI: the responses are streams.
  for (const route of [reportRoute, diffRoute, downloadRoute]) api.openAPIRegistry.registerPath(route)
  api.get('/v1/datasets/:id/report', async (c) => {
    const { as } = parseBody(reportRoute.request.query, c.req.query())
    const key = await results.report(await findVersion(context.database.db, c.req.param('id')), as)
    if (as === 'json') return await send(c, key, { 'Content-Type': 'application/json' })
    const type = 'text/html; charset=utf-8'
    return await send(c, key, { 'Content-Type': type, 'Content-Security-Policy': REPORT_PAGE_POLICY })
  })
  api.get('/v1/datasets/:id/diff', async (c) => {
    const { from } = parseBody(diffRoute.request.query, c.req.query())
    const after = await findVersion(context.database.db, c.req.param('id'))
    const version = from ?? after.version - 1
    if (version === 0)
      throw invalidRequest([{ path: 'from', detail: 'is required: version 1 has no version before it' }])
    const before = await findVersion(context.database.db, `${after.series_id}@${version}`)
    return await send(c, await results.diff(before, after), { 'Content-Type': 'application/json' })
  })
  api.get('/v1/datasets/:id/download', async (c) => {
    const { as } = parseBody(downloadRoute.request.query, c.req.query())
    const row = await findVersion(context.database.db, c.req.param('id'))
    const key = await results.download(row, as)
    const name = `${row.name.replaceAll(/[^\w.-]+/g, '-').slice(0, 100)}-${row.version}-${as ?? row.format}.tar`
    return await send(c, key, {
      'Content-Type': 'application/x-tar',
      'Content-Disposition': `attachment; filename="${name}"`,
    })
  })
}
