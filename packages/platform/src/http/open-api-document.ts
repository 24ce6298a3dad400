import type { OpenAPIHono } from '@hono/zod-openapi'
import { PROBLEM_MEDIA_TYPE } from '@trainyard/contract'

export interface OpenApiInfo {
  title: string
  version: string
  description?: string | undefined
}

/** The OpenAPI 3.1 document of all routes that are mounted in an app. */
export function openApiDocument(api: OpenAPIHono, info: OpenApiInfo): Record<string, unknown> {
  const { description, ...rest } = info
  const document = api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: description === undefined ? rest : { ...rest, description },
  })
  for (const item of Object.values(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method]
      if (operation === undefined) continue
      // Credentials that are sent are checked, also on routes that need none.
      const common: Record<number, unknown> = { 401: problem('The credentials are missing, wrong or expired') }
      const hasInput = (operation.parameters?.length ?? 0) > 0 || operation.requestBody !== undefined
      if (hasInput) common[400] = problem('The request is not valid; `issues` names every invalid field')
      if (operation.requestBody !== undefined)
        common[413] = problem('The body exceeds a limit; `limits` holds the limits')
      operation.responses = { ...common, ...operation.responses }
    }
  }
  return { ...document }
}

/**
 * Serves a document at `/openapi.json`. It is made at the first request and kept: routes do not change, making it takes hundreds of
 * milliseconds, and anyone can ask for it.
 */
export function mountOpenApi(api: OpenAPIHono, describe: () => Record<string, unknown>): void {
  let document: Record<string, unknown> | undefined
  api.get('/openapi.json', (c) => {
    document ??= describe()
    return c.json(document)
  })
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const

const problem = (description: string) => ({
  description,
  content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
})
