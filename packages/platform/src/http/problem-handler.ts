import { PROBLEM_MEDIA_TYPE, PROBLEMS, type Problem, type ProblemCode } from '@trainyard/contract'
import type { Context, ErrorHandler, NotFoundHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { kindOfFailure } from '../database/failures.ts'
import { cut, invalidRequest, TrainyardError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { errorCode } from '../system/describe-error.ts'
import { newTraceId, parseTraceparent } from '../system/trace.ts'

/** The URL that identifies a kind of problem. */
function problemType(code: ProblemCode): string {
  return `https://trainyard.dev/problems/${code}`
}

/** Longer details repeat what the sender sent. */
const MAX_DETAIL_LENGTH = 4000

/** The problem document of an error. */
export function toProblem(error: TrainyardError, traceId?: string): Problem {
  return {
    ...error.extra,
    type: problemType(error.code),
    title: PROBLEMS[error.code].title,
    status: error.status,
    detail: cut(error.detail, MAX_DETAIL_LENGTH),
    code: error.code,
    retryable: error.retryable,
    issues: error.issues,
    traceId,
  }
}

/** The response to an error, with `Retry-After` when it is known. */
export function problemResponse(error: TrainyardError, traceId?: string): Response {
  const headers = new Headers({ 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store' })
  if (error.retryAfterSeconds !== undefined) headers.set('retry-after', String(Math.ceil(error.retryAfterSeconds)))
  if (error.status === 401) headers.set('www-authenticate', 'Bearer')
  return new Response(JSON.stringify(toProblem(error, traceId)), { status: error.status, headers })
}

/** Answers an error that a handler threw with problem+json. An unknown error is logged, and sent as `internal` without details. */
export function problemHandler(logger: Logger): ErrorHandler {
  return (error, c) => {
    const traceId = traceIdOf(c)
    const known = asTrainyardError(error, c)
    const details = { err: error, traceId, method: c.req.method, path: c.req.path }
    if (known.code === 'internal' || known.code === 'storage_unavailable') logger.error(details, 'request failed')
    // The caller gets a general sentence: only the log names the statement's error.
    else if (known !== error && !(error instanceof HTTPException)) logger.warn(details, 'request refused')
    const response = problemResponse(known, traceId)
    // Headers that the handler has set, such as CORS or WWW-Authenticate, are kept.
    c.res.headers.forEach((value, name) => {
      if (name !== 'content-type' && name !== 'content-length') response.headers.set(name, value)
    })
    return response
  }
}

/** Answers an unknown route. */
export const problemNotFound: NotFoundHandler = (c) =>
  problemResponse(
    new TrainyardError('not_found', `No route matches ${c.req.method} ${cut(c.req.path, 300)}`),
    traceIdOf(c),
  )

function traceIdOf(c: Context): string {
  return c.get('traceId') ?? parseTraceparent(c.req.header('traceparent')) ?? newTraceId()
}

const CODE_BY_STATUS: Readonly<Record<number, ProblemCode>> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'payload_too_large',
  422: 'unprocessable',
  429: 'rate_limited',
  503: 'unavailable',
}

function asTrainyardError(error: Error, c: Context): TrainyardError {
  if (error instanceof TrainyardError) return error
  if (error instanceof HTTPException) {
    if (error.status === 415) {
      const contentType = c.req.header('content-type')
      const actual = contentType === undefined ? 'missing' : JSON.stringify(cut(contentType, 100))
      const detail = `is ${actual}; expected a type that this route accepts, usually application/json`
      return invalidRequest([{ path: 'header.content-type', detail }])
    }
    const code = CODE_BY_STATUS[error.status]
    if (code !== undefined) return new TrainyardError(code, error.message || PROBLEMS[code].title, { cause: error })
  }
  return (
    failureOfDatabase(error) ??
    failureOfDisk(error) ??
    new TrainyardError('internal', 'The server failed; the trace id identifies its log entry', { cause: error })
  )
}

const RETRY_AFTER_SECONDS = 2

/** Codes of a disk that is full, broken or read-only, and of a process with too many open files; and what helps. */
const DISK_FAILURES: Readonly<Record<string, string>> = {
  EDQUOT: 'its quota of disk space is used up; delete what is not needed, or ask its operator for more, and try again',
  EIO: 'its disk reports errors; its operator must check the disk. Try again later',
  EMFILE: 'it has too many open files; try again',
  ENFILE: 'its machine has too many open files; try again',
  ENOSPC: 'its disk is full; its operator must free space. Try again later',
  EROFS: 'its disk is read-only; its operator must check the disk. Try again later',
}

/** The error of a request during which the disk of the server failed. Undefined for every other error. */
export function failureOfDisk(error: unknown): TrainyardError | undefined {
  const code = errorCode(error)
  const help = code === undefined ? undefined : DISK_FAILURES[code]
  if (help === undefined) return undefined
  return new TrainyardError('storage_unavailable', `The server cannot read or write its files now: ${help} (${code})`, {
    retryAfterSeconds: 5,
    cause: error,
  })
}

/** The error of a request whose data or whose database made a statement fail. Undefined for every other error. */
export function failureOfDatabase(error: unknown): TrainyardError | undefined {
  switch (kindOfFailure(error)) {
    case 'data':
      return invalidRequest(
        [],
        'The request contains a value that cannot be stored or searched for: a number or a date out of range, an odd character, or too much nesting',
      )
    case 'unavailable':
      return new TrainyardError('unavailable', 'The database is not available at the moment; try again', {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
        cause: error,
      })
    case undefined:
      return undefined
  }
}
