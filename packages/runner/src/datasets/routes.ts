import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { createApi } from '@trainyard/platform'
import {
  Dataset,
  DatasetFilesPage,
  DatasetList,
  PROBLEM_MEDIA_TYPE,
  Problem,
  ProjectName,
} from '@trainyard/sdk/contract'
import type { Context } from 'hono'
import type { DatasetAccess } from './access.ts'
import type { DatasetContext } from './context.ts'
import { deleteDataset, type FindLiveJobs } from './delete-dataset.ts'
import { getDataset } from './get-dataset.ts'
import { listDatasets } from './list-datasets.ts'
import { DEFAULT_FILES_LIMIT, listFilesOfDataset, MAX_FILES_LIMIT } from './list-files.ts'
import { registerDataset } from './register-dataset.ts'
import { readRequestBody } from './request-body.ts'

const Archive = z.string().meta({ format: 'binary' })
const IdParams = z.object({ id: z.string().min(1).max(100) })
const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})
const problem = (description: string) => ({ description, content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem } } })

const uploadRoute = createRoute({
  method: 'post',
  path: '/v1/datasets',
  summary: 'Register a dataset from a tar or tar.gz of its folder',
  request: {
    query: z.object({
      name: z
        .string()
        .min(1)
        .max(200)
        .regex(/^[^\p{Cc}]*$/u, 'must not hold control characters'),
      project: ProjectName.optional().describe('Where it goes; your first project when absent'),
    }),
    body: {
      content: {
        'application/x-tar': { schema: Archive },
        'application/gzip': { schema: Archive },
        'application/octet-stream': { schema: Archive },
      },
    },
  },
  responses: {
    200: json(Dataset, 'This content is registered under this name already'),
    201: json(Dataset, 'Registered'),
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
}

/** `/v1/datasets`, to be mounted into the runner's app. */
export function datasetRoutes(context: DatasetContext, options: DatasetRoutesOptions): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  api.openapi(uploadRoute, async (c) => {
    const { audit, projectFor } = options.access(c)
    const { name, project } = c.req.valid('query')
    const body = readRequestBody(c.req.raw.body)
    try {
      const projectId = projectFor(project)
      const { dataset, created } = await registerDataset(context, { name, projectId, audit, body: body.chunks })
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
  api.openapi(deleteRoute, async (c) => {
    await deleteDataset(context, c.req.valid('param').id, {
      audit: options.access(c).audit,
      ...(options.findLiveJobs && { findLiveJobs: options.findLiveJobs }),
    })
    return c.body(null, 204)
  })
  return api
}
