import type { OpenAPIHono } from '@hono/zod-openapi'

export interface OpenApiInfo {
  title: string
  version: string
  description?: string
}

/** The OpenAPI 3.1 document of everything that is mounted in an app. */
export function openApiDocument(api: OpenAPIHono, info: OpenApiInfo): Record<string, unknown> {
  const { description, ...rest } = info
  const document = api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: description === undefined ? rest : { ...rest, description },
  })
  return { ...document }
}
