import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { PartKind, Problem, Sbom } from '@trainyard/contract'
import { z } from 'zod'
import { requireCaller } from '../auth/authenticate.ts'
import type { RegistryContext } from '../context.ts'
import { getSbom } from './get-sbom.ts'

const CYCLONEDX = 'application/vnd.cyclonedx+json'

const sbom = createRoute({
  method: 'get',
  path: '/v1/trainers/{namespace}/{name}/versions/{version}/sbom',
  summary: 'Download the list of packages of a version',
  tags: ['catalogue'],
  request: {
    params: z.object({
      namespace: z.string().max(64),
      name: z.string().max(64),
      version: z.string().max(128),
    }),
    query: z.object({
      part: PartKind.optional().describe('Default: the image, or the bundle when only that has a list'),
    }),
  },
  responses: {
    200: {
      description: 'A CycloneDX 1.6 document',
      content: { [`${CYCLONEDX}; version=1.6`]: { schema: Sbom } },
    },
    404: {
      description:
        'The version does not exist, is not published and belongs to someone else, or has no list of packages',
      content: { 'application/problem+json': { schema: Problem } },
    },
  },
})

export function mountSbomRoutes(api: OpenAPIHono, context: RegistryContext): void {
  api.openapi(sbom, async (c) => {
    const caller = await requireCaller(context, c.req.raw)
    const { namespace, name, version } = c.req.valid('param')
    const content = await getSbom(context, caller, {
      name: `${namespace}/${name}`,
      version,
      part: c.req.valid('query').part,
    })
    return c.json(content, 200, { 'content-type': `${CYCLONEDX}; version=1.6` })
  })
}
