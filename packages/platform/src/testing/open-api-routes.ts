export interface DocumentedRoute {
  /** `METHOD /path` */
  name: string
  method: string
  /** With parameters in braces. */
  path: string
  /** Names of the security schemes that the route accepts; empty when the document names none. */
  security: readonly string[]
}

type Operations = Record<string, { security?: Record<string, unknown>[] }>
const METHODS = ['get', 'post', 'put', 'patch', 'delete']

/** Every route of an OpenAPI document, so that a test of all routes includes new ones automatically. */
export function openApiRoutes(document: Record<string, unknown>): DocumentedRoute[] {
  return Object.entries((document.paths ?? {}) as Record<string, Operations>).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([method]) => METHODS.includes(method))
      .map(([lower, { security = [] }]) => {
        const method = lower.toUpperCase()
        return { name: `${method} ${path}`, method, path, security: security.flatMap((one) => Object.keys(one)) }
      }),
  )
}
