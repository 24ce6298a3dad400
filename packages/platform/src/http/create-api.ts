import { OpenAPIHono } from '@hono/zod-openapi'
import type { FieldIssue } from '@trainyard/contract'
import type { MiddlewareHandler } from 'hono'
import { fieldIssues, invalidRequest } from '../errors.ts'
import type { Logger } from '../log.ts'
import { newTraceId, parseTraceparent, traceparent } from '../system/trace.ts'
import { problemHandler, problemNotFound } from './problem-handler.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** 32 hex digits: the caller's trace, or a new one. */
    traceId: string
  }
}

export interface ApiOptions {
  logger: Logger
  /** Requests that come by the thousand: they are only logged at level `debug`, unless they fail. Default: those for health. */
  isRoutine?: (method: string, path: string) => boolean
}

/**
 * A Hono app whose every failure is problem+json: thrown errors, unknown routes, and requests that a route's schemas
 * refuse. It takes part in the caller's trace and logs one line a request. Apps may be mounted into each other.
 */
export function createApi({ logger, isRoutine }: ApiOptions): OpenAPIHono {
  const api = new OpenAPIHono({
    defaultHook: (result) => {
      if (result.success) return
      throw invalidRequest(
        prefixed(fieldIssues(result.error, 'data' in result ? result.data : undefined), result.target),
      )
    },
  })
  api.use('*', requestContext(logger, isRoutine))
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
export function requestContext(logger: Logger, isRoutine: ApiOptions['isRoutine'] = () => false): MiddlewareHandler {
  return async (c, next) => {
    // An app mounted into another one finds the outer app's context.
    if (c.get('traceId') !== undefined) return await next()
    const traceId = parseTraceparent(c.req.header('traceparent')) ?? newTraceId()
    const startedMs = performance.now()
    c.set('traceId', traceId)
    // Before there is a response: a header that is set afterwards makes Hono copy the response, body and all.
    const trace = traceparent(traceId)
    c.header('traceparent', trace)
    await next()
    if (!c.res.headers.has('traceparent')) c.header('traceparent', trace)
    const { method, path } = c.req
    const { status } = c.res
    const isQuiet = path === '/healthz' || path === '/readyz' || (status < 400 && isRoutine(method, path))
    const level = status >= 500 ? 'warn' : isQuiet ? 'debug' : 'info'
    if (!logger.isLevelEnabled(level)) return
    logger[level]({ traceId, method, path, status, durationMs: Math.round(performance.now() - startedMs) }, 'request')
  }
}
