import { OpenAPIHono, type RouteConfig } from '@hono/zod-openapi'
import type { FieldIssue } from '@trainyard/contract'
import type { MiddlewareHandler } from 'hono'
import { fieldIssues, invalidRequest } from '../errors.ts'
import type { Logger } from '../log.ts'
import { newTraceId, parseTraceparent, traceparent } from '../system/trace.ts'
import { bodyGate } from './body-gate.ts'
import { type BodyLimits, PEOPLE_BODY } from './body-limits.ts'
import { problemHandler, problemNotFound } from './problem-handler.ts'
import { writeRateLimit } from './rate-limit-headers.ts'
import { requireReadableUrl } from './require-readable-url.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** 32 hex digits: the trace id of the caller, or a new one. */
    traceId: string
  }
}

export interface ApiOptions {
  logger: Logger
  /** Frequent requests that are logged at level `debug` unless they fail. Health checks always are. Default: none. */
  isRoutine?: ((method: string, path: string) => boolean) | undefined
  /** Limits of the JSON bodies of all described routes (`openapi`). Default: {@link PEOPLE_BODY}. */
  bodyLimits?: BodyLimits | undefined
}

/**
 * A Hono app that answers every failure with problem+json: thrown errors, unknown routes, and requests that do not match a
 * route's schemas. It continues the caller's trace and logs one line per request. Apps can be mounted into each other.
 */
export function createApi({ logger, isRoutine, bodyLimits = PEOPLE_BODY }: ApiOptions): OpenAPIHono {
  const api = new OpenAPIHono({
    defaultHook: (result) => {
      if (result.success) return
      throw invalidRequest(
        prefixed(fieldIssues(result.error, 'data' in result ? result.data : undefined), result.target),
      )
    },
  })
  gateBodies(api, bodyLimits)
  api.use('*', requestContext(logger, isRoutine))
  api.onError(problemHandler(logger))
  api.notFound(problemNotFound)
  return api
}

/** Puts the gate in front of every described route that has a body: the framework would read and parse one of any size. */
function gateBodies(api: OpenAPIHono, limits: BodyLimits): void {
  const gate = bodyGate(limits)
  const { openapi } = api
  const gated = (route: RouteConfig, ...rest: [never, never?]) => {
    const own = route.middleware === undefined ? [] : [route.middleware].flat()
    const middleware = route.request?.body === undefined ? own : [...own, gate]
    return openapi({ ...route, middleware }, ...rest)
  }
  Object.assign(api, { openapi: gated })
}

/** Adds the part of the request that a field belongs to, except for the body. */
function prefixed(issues: FieldIssue[], target: string): FieldIssue[] {
  if (target === 'json' || target === 'form') return issues
  return issues.map((issue) => ({ ...issue, path: issue.path === '' ? target : `${target}.${issue.path}` }))
}

/** Gives each request a trace id, and logs it at its end without the query, which can hold a signature. */
function requestContext(logger: Logger, isRoutine: ApiOptions['isRoutine'] = () => false): MiddlewareHandler {
  return async (c, next) => {
    // A mounted app uses the context of the outer app.
    if (c.get('traceId') !== undefined) return await next()
    const traceId = parseTraceparent(c.req.header('traceparent')) ?? newTraceId()
    const startedMs = performance.now()
    c.set('traceId', traceId)
    // Set before the response exists: setting a header later makes Hono copy the response with its body.
    const trace = traceparent(traceId)
    c.header('traceparent', trace)
    requireReadableUrl(c.req.raw.url)
    await next()
    if (!c.res.headers.has('traceparent')) c.header('traceparent', trace)
    writeRateLimit(c)
    const { method, path } = c.req
    const { status } = c.res
    const isQuiet = path === '/healthz' || path === '/readyz' || (status < 400 && isRoutine(method, path))
    const level = status >= 500 ? 'warn' : isQuiet ? 'debug' : 'info'
    if (!logger.isLevelEnabled(level)) return
    logger[level]({ traceId, method, path, status, durationMs: Math.round(performance.now() - startedMs) }, 'request')
  }
}
