import { OpenAPIHono } from '@hono/zod-openapi'
import type { FieldIssue } from '@trainyard/sdk/contract'
import type { MiddlewareHandler } from 'hono'
import { fieldIssues, invalidRequest } from '../errors.ts'
import type { Logger } from '../log.ts'
import { newTraceId, parseTraceparent, traceparent } from '../system/trace.ts'
import { problemHandler, problemNotFound } from './problem-handler.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** 32 hex digits: the caller's trace, or a new one. */
    traceId: string
    /** Logs with the trace id of this request. */
    logger: Logger
  }
}

export interface ApiOptions {
  logger: Logger
}

/**
 * A Hono app whose every failure is problem+json: thrown errors, unknown routes, and requests that a route's schemas
 * refuse. It takes part in the caller's trace and logs one line a request. Apps may be mounted into each other.
 */
export function createApi({ logger }: ApiOptions): OpenAPIHono {
  const api = new OpenAPIHono({
    defaultHook: (result) => {
      if (result.success) return
      throw invalidRequest(
        prefixed(fieldIssues(result.error, 'data' in result ? result.data : undefined), result.target),
      )
    },
  })
  api.use('*', requestContext(logger))
  api.onError(problemHandler(logger))
  api.notFound(problemNotFound)
  return api
}

/** Says which part of the request a field belongs to; the body, the usual case, needs no word. */
function prefixed(issues: FieldIssue[], target: string): FieldIssue[] {
  if (target === 'json' || target === 'form') return issues
  return issues.map((issue) => ({ ...issue, path: issue.path === '' ? target : `${target}.${issue.path}` }))
}

/** Gives each request a trace id and a logger, and logs its end. The query is left out: it may hold a signature. */
export function requestContext(logger: Logger): MiddlewareHandler {
  return async (c, next) => {
    // An app mounted into another one finds the outer app's context.
    if (c.get('traceId') !== undefined) return await next()
    const traceId = parseTraceparent(c.req.header('traceparent')) ?? newTraceId()
    const requestLogger = logger.child({ traceId })
    const startedMs = performance.now()
    c.set('traceId', traceId)
    c.set('logger', requestLogger)
    await next()
    c.header('traceparent', traceparent(traceId))
    const line = {
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      durationMs: Math.round(performance.now() - startedMs),
    }
    const quiet = c.req.path === '/healthz' || c.req.path === '/readyz'
    if (c.res.status >= 500) requestLogger.warn(line, 'request')
    else if (quiet) requestLogger.debug(line, 'request')
    else requestLogger.info(line, 'request')
  }
}
