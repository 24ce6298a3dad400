import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import {
  DatasetFormat,
  ExportFormat,
  ResolvedTrainer,
  TaskType,
  Trainer,
  TrainerList,
  TrainerVersion,
  TrustTier,
} from '@trainyard/contract'
import { z } from 'zod'
import { requireCaller } from '../auth/authenticate.ts'
import type { RegistryContext } from '../context.ts'
import { json, problem } from '../route-parts.ts'
import { getTrainer, getVersion } from './get-trainer.ts'
import { listTrainers } from './list-trainers.ts'
import { resolveTrainer } from './resolve-trainer.ts'

const NameParams = z.object({ namespace: z.string().max(64), name: z.string().max(64) })

const list = createRoute({
  method: 'get',
  path: '/v1/trainers',
  summary: 'Search published trainers',
  tags: ['catalogue'],
  request: {
    query: z.object({
      q: z.string().max(200).optional(),
      task: TaskType.optional(),
      framework: z.string().max(50).optional(),
      export: ExportFormat.optional().describe('A format to which the trainer exports'),
      reads: DatasetFormat.optional().describe('A format of datasets that the trainer reads'),
      license: z.string().max(200).optional(),
      tier: TrustTier.optional().describe('How far the latest version was checked'),
      sort: z.enum(['relevance', 'popular', 'newest', 'name']).optional(),
      cursor: z.string().max(500).optional(),
      limit: z.coerce.number().int().min(1).max(100).optional(),
    }),
  },
  responses: { 200: json(TrainerList, 'One page of trainers'), 400: problem },
})

const get = createRoute({
  method: 'get',
  path: '/v1/trainers/{namespace}/{name}',
  summary: 'Get a trainer with its README and versions',
  tags: ['catalogue'],
  request: { params: NameParams },
  responses: { 200: json(Trainer, 'The trainer'), 404: problem },
})

const version = createRoute({
  method: 'get',
  path: '/v1/trainers/{namespace}/{name}/versions/{version}',
  summary: 'Get a version with the results of its checks',
  tags: ['catalogue'],
  request: { params: NameParams.extend({ version: z.string().max(128) }) },
  responses: { 200: json(TrainerVersion, 'The version'), 404: problem },
})

const resolve = createRoute({
  method: 'get',
  path: '/v1/trainers/{namespace}/{name}/resolve',
  summary: 'Find the newest published version in a range',
  tags: ['catalogue'],
  request: { params: NameParams, query: z.object({ range: z.string().max(200).default('latest') }) },
  responses: {
    200: json(ResolvedTrainer, 'The version, with the addresses of its bundle and image'),
    400: problem,
    403: problem,
    404: problem,
  },
})

const nameOf = (params: z.infer<typeof NameParams>) => `${params.namespace}/${params.name}`

export function mountCatalogueRoutes(api: OpenAPIHono, context: RegistryContext): void {
  api.openapi(list, async (c) => {
    await requireCaller(context, c.req.raw)
    return c.json(await listTrainers(context, c.req.valid('query')), 200)
  })
  api.openapi(resolve, async (c) => {
    await requireCaller(context, c.req.raw)
    return c.json(await resolveTrainer(context, nameOf(c.req.valid('param')), c.req.valid('query').range), 200)
  })
  api.openapi(version, async (c) => {
    const caller = await requireCaller(context, c.req.raw)
    const params = c.req.valid('param')
    return c.json(await getVersion(context, caller, nameOf(params), params.version), 200)
  })
  api.openapi(get, async (c) => {
    const caller = await requireCaller(context, c.req.raw)
    return c.json(await getTrainer(context, caller, nameOf(c.req.valid('param'))), 200)
  })
}
