import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { Dataset, DatasetVersionList, RegisterVersionRequest, readableLine } from '@trainyard/contract'
import { PEOPLE_BODY, readJsonBody } from '@trainyard/platform'
import type { Context } from 'hono'
import { Cursor, json, problem } from '../http/openapi.ts'
import { parseBody } from '../http/read-body.ts'
import type { DatasetAccess } from './access.ts'
import { findVersion } from './catalog/find-version.ts'
import { listVersions } from './catalog/list-versions.ts'
import type { DatasetContext } from './context.ts'
import { registerDataset } from './registration/register-dataset.ts'
import { registerSource } from './registration/register-source.ts'
import { readRequestBody } from './registration/request-body.ts'
import { archiveBody, IdParams, isJson, UploadQuery, VersionParams } from './route-parts.ts'

const VersionQuery = UploadQuery.omit({ name: true, project: true }).extend({
  message: readableLine(500).optional().describe('What changed'),
})
const versionRoute = createRoute({
  method: 'post',
  path: '/v1/datasets/{id}/versions',
  summary: 'Add a version to a dataset, from a tar, tar.gz or zip, or from a bucket',
  description: 'Versions are numbered from 1. Files that a version of the dataset has already get no other number.',
  request: {
    params: IdParams,
    query: VersionQuery,
    body: { required: true, content: { 'application/json': { schema: RegisterVersionRequest }, ...archiveBody } },
  },
  responses: {
    200: json(Dataset, 'The version with this content exists'),
    201: json(Dataset, 'The new version'),
    403: problem('The configuration does not allow this source'),
    404: problem('No dataset has this id'),
    409: problem('A version has these files, in another format'),
    413: problem('The quota of the project has no room; `quota`, `used`, `reserved` and `limit` say which'),
    422: problem('The files are not a dataset that can be used, or they are for another task'),
  },
})
const versionsRoute = createRoute({
  method: 'get',
  path: '/v1/datasets/{id}/versions',
  summary: 'List the versions of a dataset, newest first',
  request: {
    params: VersionParams,
    query: z.object({ cursor: Cursor, limit: z.coerce.number().int().min(1).max(200).default(50) }),
  },
  responses: { 200: json(DatasetVersionList, 'One page of versions'), 404: problem('No dataset has this id') },
})

/** Adds and lists the versions of a dataset. */
export function addVersionRoutes(
  api: OpenAPIHono,
  context: DatasetContext,
  options: { access: (c: Context) => DatasetAccess },
): void {
  // Registered by hand: the body is either JSON or a stream of any length.
  api.openAPIRegistry.registerPath(versionRoute)
  api.post('/v1/datasets/:id/versions', async (c) => {
    const { audit, confirm, organisationOf } = options.access(c)
    const row = await findVersion(context.database.db, c.req.param('id'))
    const { series_id: id, name, project_id: projectId, task_type: taskType } = row
    const ownership = { name, projectId, audit, confirm: () => confirm(projectId) }
    if (isJson(c)) {
      const { message, ...request } = parseBody(RegisterVersionRequest, await readJsonBody(c.req.raw, PEOPLE_BODY))
      const more = { organisation: organisationOf(projectId), versionOf: { id, taskType, message } }
      const { dataset, created } = await registerSource(context, { ...request, ...ownership, ...more })
      return c.json(dataset, created ? 201 : 200)
    }
    const body = readRequestBody(c.req.raw.body)
    try {
      const { query } = parseBody(z.object({ query: VersionQuery }), { query: c.req.query() })
      const { message, ...hints } = query
      const more = { ...hints, versionOf: { id, taskType, message }, body: body.chunks }
      const { dataset, created } = await registerDataset(context, { ...ownership, ...more })
      return c.json(dataset, created ? 201 : 200)
    } finally {
      await body.drain()
    }
  })
  api.openapi(versionsRoute, async (c) =>
    c.json(await listVersions(context, c.req.valid('param').id, c.req.valid('query')), 200),
  )
}
