import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { Problem } from '@trainyard/contract'
import { z } from 'zod'
import { requireCaller } from '../auth/authenticate.ts'
import type { RegistryContext } from '../context.ts'
import { getReadmePicture } from './readme-pictures.ts'

const file = { schema: z.string().meta({ format: 'binary' }) }

const picture = createRoute({
  method: 'get',
  path: '/v1/trainers/{namespace}/{name}/versions/{version}/readme-picture',
  summary: 'Get a picture that the README of a trainer shows',
  tags: ['catalogue'],
  request: {
    params: z.object({ namespace: z.string().max(64), name: z.string().max(64), version: z.string().max(128) }),
    query: z.object({ path: z.string().max(500).default('').describe('One of `readmePictures` of the version') }),
  },
  responses: {
    200: {
      description: 'The picture',
      content: { 'image/png': file, 'image/jpeg': file, 'image/gif': file, 'image/webp': file },
    },
    404: {
      description: 'The version does not exist, is not published and belongs to someone else, or has no such picture',
      content: { 'application/problem+json': { schema: Problem } },
    },
  },
})

export function mountReadmePictureRoutes(api: OpenAPIHono, context: RegistryContext): void {
  api.openapi(picture, async (c) => {
    const caller = await requireCaller(context, c.req.raw)
    const { namespace, name, version } = c.req.valid('param')
    const { path } = c.req.valid('query')
    const { content, content_type: contentType } = await getReadmePicture(context, caller, {
      name: `${namespace}/${name}`,
      version,
      path,
    })
    return c.body(new Uint8Array(content), 200, {
      'content-type': contentType,
      // The author chose the bytes: a browser takes them for nothing but a picture.
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=300',
    })
  })
}
