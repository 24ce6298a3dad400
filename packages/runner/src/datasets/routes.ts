import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  Dataset,
  DatasetFilesPage,
  DatasetFormat,
  DatasetList,
  NO_CONTROL_CHARACTERS,
  PROBLEM_MEDIA_TYPE,
  Problem,
  ProjectName,
  RegisterDatasetRequest,
  Snapshot,
  SnapshotList,
  TaskType,
} from '@trainyard/contract'
import { createApi } from '@trainyard/platform'
import type { Context } from 'hono'
import { parseBody, readJsonBody } from '../http/read-body.ts'
import type { DatasetAccess } from './access.ts'
import { deleteDataset, type FindLiveJobs } from './catalog/delete-dataset.ts'
import { getDataset } from './catalog/get-dataset.ts'
import { listDatasets } from './catalog/list-datasets.ts'
import { DEFAULT_FILES_LIMIT, listFilesOfDataset, MAX_FILES_LIMIT } from './catalog/list-files.ts'
import type { DatasetContext } from './context.ts'
import { registerDataset } from './registration/register-dataset.ts'
import { registerSource } from './registration/register-source.ts'
import { readRequestBody } from './registration/request-body.ts'
import { type CountJobs, getSnapshot, listSnapshots } from './snapshots/list-snapshots.ts'

const SOURCE_BODY = { maxBodyBytes: 64 * 1024, maxInflatedBytes: 64 * 1024 }
const Archive = z.string().meta({ format: 'binary' })
const IdParams = z.object({ id: z.string().min(1).max(100) })
const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})
const problem = (description: string) => ({ description, content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem } } })

/** Of an upload; a request in JSON has them in its body. */
const UploadQuery = z.object({
  name: z.string().min(1).max(200).regex(NO_CONTROL_CHARACTERS, 'must not hold control characters'),
  project: ProjectName.optional().describe('Where it goes; your first project when absent'),
  format: DatasetFormat.optional().describe('Where the files do not tell'),
  taskType: TaskType.optional().describe('Where the format cannot tell'),
})
const uploadRoute = createRoute({
  method: 'post',
  path: '/v1/datasets',
  summary: 'Register a dataset: a tar, tar.gz or zip of its folder, or where its images are',
  request: {
    query: UploadQuery,
    body: {
      required: true,
      content: {
        'application/json': { schema: RegisterDatasetRequest },
        'application/zip': { schema: Archive },
        'application/x-tar': { schema: Archive },
        'application/gzip': { schema: Archive },
        'application/octet-stream': { schema: Archive },
      },
    },
  },
  responses: {
    200: json(Dataset, 'This content is registered under this name already'),
    201: json(Dataset, 'Registered'),
    403: problem('The source is not among those that the configuration allows'),
    409: problem('These files are registered under this name as another format'),
    422: problem('The archive is not a dataset that can be used; `issues` says why'),
  },
})
const listRoute = createRoute({
  method: 'get',
  path: '/v1/datasets',
  summary: 'Datasets, newest first',
  request: {
    query: z.object({ cursor: z.string().optional(), limit: z.coerce.number().int().min(1).max(200).default(50) }),
  },
  responses: { 200: json(DatasetList, 'One page') },
})
const getRoute = createRoute({
  method: 'get',
  path: '/v1/datasets/{id}',
  summary: 'One dataset',
  request: { params: IdParams },
  responses: { 200: json(Dataset, 'The dataset'), 404: problem('There is none with this id') },
})
const filesRoute = createRoute({
  method: 'get',
  path: '/v1/datasets/{id}/files',
  summary: 'Images of a dataset by path, with signed URLs',
  request: {
    params: IdParams,
    query: z.object({
      cursor: z.string().optional(),
      limit: z.coerce.number().int().min(1).max(MAX_FILES_LIMIT).default(DEFAULT_FILES_LIMIT),
      all: z.stringbool().default(false).describe('Also images without a label'),
    }),
  },
  responses: { 200: json(DatasetFilesPage, 'One page'), 404: problem('There is none with this id') },
})
const snapshotsRoute = createRoute({
  method: 'get',
  path: '/v1/snapshots',
  summary: 'Snapshots, newest first: what jobs were created with',
  request: {
    query: z.object({
      dataset: z.string().min(1).max(100).optional().describe('Id of a dataset'),
      cursor: z.string().optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(SnapshotList, 'One page') },
})
const snapshotRoute = createRoute({
  method: 'get',
  path: '/v1/snapshots/{id}',
  summary: 'One snapshot',
  request: { params: IdParams },
  responses: { 200: json(Snapshot, 'The snapshot'), 404: problem('There is none with this id') },
})
const deleteRoute = createRoute({
  method: 'delete',
  path: '/v1/datasets/{id}',
  summary: 'Delete a dataset',
  request: { params: IdParams },
  responses: {
    204: { description: 'Deleted' },
    404: problem('There is none with this id'),
    409: problem('A job that is not over uses it'),
  },
})

export interface DatasetRoutesOptions {
  /** What whoever sent a request may do. One dataset by its id is guarded before these routes. */
  access: (c: Context) => DatasetAccess
  /** Asked before a dataset is deleted. Default: no jobs. */
  findLiveJobs?: FindLiveJobs
  /** How many jobs a snapshot has. Default: none. */
  countJobs?: CountJobs
}

/** `/v1/datasets`, to be mounted into the runner's app. */
export function datasetRoutes(context: DatasetContext, options: DatasetRoutesOptions): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  const countJobs: CountJobs = options.countJobs ?? (async () => new Map())
  // Described here, read below: the body is a stream of any length, or JSON.
  api.openAPIRegistry.registerPath(uploadRoute)
  api.post('/v1/datasets', async (c) => {
    const { audit, projectFor, organisationOf } = options.access(c)
    if (/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? '')) {
      const { project, ...request } = parseBody(RegisterDatasetRequest, await readJsonBody(c.req.raw, SOURCE_BODY))
      const projectId = projectFor(project)
      const owned = { projectId, organisation: organisationOf(projectId), audit }
      const { dataset, created } = await registerSource(context, { ...request, ...owned })
      return c.json(dataset, created ? 201 : 200)
    }
    const body = readRequestBody(c.req.raw.body)
    try {
      const { query } = parseBody(z.object({ query: UploadQuery }), { query: c.req.query() })
      const { name, project, format, taskType } = query
      const projectId = projectFor(project)
      const registered = { name, projectId, audit, format, taskType, body: body.chunks }
      const { dataset, created } = await registerDataset(context, registered)
      return c.json(dataset, created ? 201 : 200)
    } finally {
      await body.drain()
    }
  })
  api.openapi(listRoute, async (c) => {
    const projects = options.access(c).readable()
    return c.json(await listDatasets(context, { ...c.req.valid('query'), projects }), 200)
  })
  api.openapi(getRoute, async (c) => c.json(await getDataset(context, c.req.valid('param').id), 200))
  api.openapi(filesRoute, async (c) => {
    const { id } = c.req.valid('param')
    return c.json(await listFilesOfDataset(context, id, c.req.valid('query')), 200)
  })
  api.openapi(snapshotsRoute, async (c) => {
    const projects = options.access(c).readable()
    return c.json(await listSnapshots(context, countJobs, { ...c.req.valid('query'), projects }), 200)
  })
  api.openapi(snapshotRoute, async (c) => {
    const projects = options.access(c).readable()
    return c.json(await getSnapshot(context, countJobs, c.req.valid('param').id, projects), 200)
  })
  api.openapi(deleteRoute, async (c) => {
    await deleteDataset(context, c.req.valid('param').id, {
      audit: options.access(c).audit,
      ...(options.findLiveJobs && { findLiveJobs: options.findLiveJobs }),
    })
    return c.body(null, 204)
  })
  return api
}
