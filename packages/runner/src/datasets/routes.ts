import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  Dataset,
  DatasetClassCounts,
  DatasetFilesPage,
  DatasetImageList,
  DatasetList,
  RegisterDatasetRequest,
  Snapshot,
  SnapshotList,
  SplitName,
} from '@trainyard/contract'
import { createApi, PEOPLE_BODY, readJsonBody } from '@trainyard/platform'
import type { Context } from 'hono'
import { Cursor, json, problem } from '../http/openapi.ts'
import { parseBody } from '../http/read-body.ts'
import type { DatasetAccess } from './access.ts'
import { countClasses } from './catalog/count-classes.ts'
import { deleteDataset, type FindLiveJobs } from './catalog/delete-dataset.ts'
import { getDataset } from './catalog/get-dataset.ts'
import { listDatasets } from './catalog/list-datasets.ts'
import { DEFAULT_FILES_LIMIT, listFilesOfDataset, MAX_FILES_LIMIT } from './catalog/list-files.ts'
import { listImages } from './catalog/list-images.ts'
import { openPicture } from './catalog/open-picture.ts'
import type { DatasetContext } from './context.ts'
import { registerDataset } from './registration/register-dataset.ts'
import { registerSource } from './registration/register-source.ts'
import { readRequestBody } from './registration/request-body.ts'
import { addResultRoutes } from './result-routes.ts'
import { Archive, archiveBody, IdParams, isJson, UploadQuery, VersionParams } from './route-parts.ts'
import { type CountJobs, getSnapshot, listSnapshots } from './snapshots/list-snapshots.ts'
import { addVersionRoutes } from './version-routes.ts'

const uploadRoute = createRoute({
  method: 'post',
  path: '/v1/datasets',
  summary: 'Register a dataset from a tar, tar.gz or zip, or from a bucket',
  request: {
    query: UploadQuery,
    body: {
      required: true,
      content: {
        'application/json': { schema: RegisterDatasetRequest },
        ...archiveBody,
      },
    },
  },
  responses: {
    200: json(Dataset, 'The dataset with this name and content exists'),
    201: json(Dataset, 'The new dataset'),
    403: problem('The configuration does not allow this source'),
    409: problem('A dataset with this name and these files exists, in another format'),
    413: problem('The quota of the project has no room; `quota`, `used`, `reserved` and `limit` say which'),
    422: problem('The files are not a dataset that can be used; `issues` lists the reasons'),
  },
})
const listRoute = createRoute({
  method: 'get',
  path: '/v1/datasets',
  summary: 'List datasets, newest first',
  request: {
    query: z.object({ cursor: Cursor, limit: z.coerce.number().int().min(1).max(200).default(50) }),
  },
  responses: { 200: json(DatasetList, 'One page of datasets') },
})
const getRoute = createRoute({
  method: 'get',
  path: '/v1/datasets/{id}',
  summary: 'Get a dataset',
  request: { params: VersionParams },
  responses: { 200: json(Dataset, 'The dataset'), 404: problem('No dataset has this id') },
})
const filesRoute = createRoute({
  method: 'get',
  path: '/v1/datasets/{id}/files',
  summary: 'List the images of a dataset by path, with signed URLs',
  request: {
    params: VersionParams,
    query: z.object({
      cursor: Cursor,
      limit: z.coerce.number().int().min(1).max(MAX_FILES_LIMIT).default(DEFAULT_FILES_LIMIT),
      all: z.stringbool().default(false).describe('Include images without a label'),
      path: z.string().min(1).max(1024).optional().describe('Only the image with this path'),
    }),
  },
  responses: { 200: json(DatasetFilesPage, 'One page of images'), 404: problem('No dataset has this id') },
})
const imagesRoute = createRoute({
  method: 'get',
  path: '/v1/datasets/{id}/images',
  summary: 'List the images of a dataset by path, with the objects on them',
  request: {
    params: VersionParams,
    query: z.object({
      class: z.coerce
        .number()
        .int()
        .nonnegative()
        .max(2_147_483_647)
        .optional()
        .describe('Only images with this class'),
      split: SplitName.optional(),
      cursor: Cursor,
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(DatasetImageList, 'One page of images'), 404: problem('No dataset has this id') },
})
const classesRoute = createRoute({
  method: 'get',
  path: '/v1/datasets/{id}/classes',
  summary: 'Count the images of each class',
  request: { params: VersionParams, query: z.object({ limit: z.coerce.number().int().min(1).max(1000).default(100) }) },
  responses: { 200: json(DatasetClassCounts, 'The most frequent classes'), 404: problem('No dataset has this id') },
})
const pictureRoute = createRoute({
  method: 'get',
  path: '/v1/datasets/{id}/picture',
  summary: 'Get an image of a dataset for a browser',
  description: 'Only PNG, JPEG, WebP, GIF and BMP by their first bytes; no SVG and no HTML.',
  request: { params: VersionParams, query: z.object({ path: z.string().min(1).max(1024) }) },
  responses: {
    200: { description: 'The image', content: { 'image/*': { schema: Archive } } },
    404: problem('No dataset has this id, or it has no image with this path'),
    422: problem('Browsers do not show this kind of image, or it is too large for a page'),
  },
})
const snapshotsRoute = createRoute({
  method: 'get',
  path: '/v1/snapshots',
  summary: 'List snapshots, newest first',
  request: {
    query: z.object({
      dataset: z.string().min(1).max(100).optional().describe('Only snapshots of the dataset with this id'),
      cursor: Cursor,
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(SnapshotList, 'One page of snapshots') },
})
const snapshotRoute = createRoute({
  method: 'get',
  path: '/v1/snapshots/{id}',
  summary: 'Get a snapshot',
  request: { params: IdParams },
  responses: { 200: json(Snapshot, 'The snapshot'), 404: problem('No snapshot has this id') },
})
const deleteRoute = createRoute({
  method: 'delete',
  path: '/v1/datasets/{id}',
  summary: 'Delete a dataset',
  request: { params: IdParams },
  responses: {
    204: { description: 'Deleted' },
    404: problem('No dataset has this id'),
    409: problem('A job that has not ended uses the dataset'),
  },
})

export interface DatasetRoutesOptions {
  /** What the caller of a request may do. Access to a dataset by its id is checked before these routes. */
  access: (c: Context) => DatasetAccess
  /** Finds the jobs that prevent the deletion of a dataset. Default: none. */
  findLiveJobs?: FindLiveJobs | undefined
  /** Counts the jobs of snapshots. Default: none. */
  countJobs?: CountJobs | undefined
}

/** The routes below `/v1/datasets` and `/v1/snapshots`. */
export function datasetRoutes(context: DatasetContext, options: DatasetRoutesOptions): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  const countJobs: CountJobs = options.countJobs ?? (async () => new Map())
  // Registered by hand: the body is either JSON or a stream of any length.
  api.openAPIRegistry.registerPath(uploadRoute)
  api.post('/v1/datasets', async (c) => {
    const { audit, projectFor, organisationOf, ...access } = options.access(c)
    if (isJson(c)) {
      const { project, ...request } = parseBody(RegisterDatasetRequest, await readJsonBody(c.req.raw, PEOPLE_BODY))
      const projectId = projectFor(project)
      const confirm = () => access.confirm(projectId)
      const ownership = { projectId, organisation: organisationOf(projectId), audit, confirm }
      const { dataset, created } = await registerSource(context, { ...request, ...ownership })
      return c.json(dataset, created ? 201 : 200)
    }
    const body = readRequestBody(c.req.raw.body)
    try {
      const { query } = parseBody(z.object({ query: UploadQuery }), { query: c.req.query() })
      const { name, project, format, taskType, strict } = query
      const projectId = projectFor(project)
      const confirm = () => access.confirm(projectId)
      const options = { name, projectId, audit, confirm, format, taskType, strict, body: body.chunks }
      const { dataset, created } = await registerDataset(context, options)
      return c.json(dataset, created ? 201 : 200)
    } finally {
      await body.drain()
    }
  })
  addVersionRoutes(api, context, options)
  addResultRoutes(api, context)
  api.openapi(listRoute, async (c) => {
    const projects = options.access(c).readable()
    return c.json(await listDatasets(context, { ...c.req.valid('query'), projects }), 200)
  })
  api.openapi(getRoute, async (c) => c.json(await getDataset(context, c.req.valid('param').id), 200))
  api.openapi(filesRoute, async (c) => {
    const { id } = c.req.valid('param')
    const store = options.access(c).signing(context.store)
    return c.json(await listFilesOfDataset({ ...context, store }, id, c.req.valid('query')), 200)
  })
  api.openapi(imagesRoute, async (c) => {
    const { class: classId, ...query } = c.req.valid('query')
    return c.json(await listImages(context, c.req.valid('param').id, { ...query, classId }), 200)
  })
  api.openapi(classesRoute, async (c) =>
    c.json(await countClasses(context, c.req.valid('param').id, c.req.valid('query')), 200),
  )
  // Only described to OpenAPI: the response is a stream.
  api.openAPIRegistry.registerPath(pictureRoute)
  api.get('/v1/datasets/:id/picture', async (c) => {
    const { path } = parseBody(pictureRoute.request.query, c.req.query())
    const { body, contentType, sizeBytes } = await openPicture(context, c.req.param('id'), path)
    return c.body(body, 200, {
      'Content-Type': contentType,
      'Content-Length': String(sizeBytes),
      'X-Content-Type-Options': 'nosniff',
      'Content-Security-Policy': "default-src 'none'; sandbox",
      'Cache-Control': 'private, max-age=3600',
    })
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
      findLiveJobs: options.findLiveJobs,
    })
    return c.body(null, 204)
  })
  return api
}
