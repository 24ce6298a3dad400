import { PROBLEM_MEDIA_TYPE } from '@trainyard/contract'
import { TrainyardError, toProblem } from '@trainyard/platform'

/** The error codes of the OCI distribution spec, with their HTTP statuses. */
const OCI_ERRORS = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 400,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  TAG_INVALID: 400,
  RANGE_INVALID: 416,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
  UNKNOWN: 500,
  UNAVAILABLE: 503,
} as const

export type OciErrorCode = keyof typeof OCI_ERRORS

export interface OciErrorOptions {
  /** Overrides the status of the code. */
  status?: number | undefined
  headers?: Record<string, string> | undefined
  detail?: unknown
  cause?: unknown
}

/** An error of a `/v2` request. Clients print `message`, so it tells the user what to do. */
export class OciError extends Error {
  readonly code: OciErrorCode
  readonly status: number
  readonly headers: Record<string, string>
  readonly detail: unknown

  constructor(code: OciErrorCode, message: string, options: OciErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'OciError'
    this.code = code
    this.status = options.status ?? OCI_ERRORS[code]
    this.headers = options.headers ?? {}
    this.detail = options.detail
  }
}

/** Longer messages repeat what the client sent. */
const MAX_MESSAGE_LENGTH = 1000

/** The OCI error of a failure that passes: a database or a store that does not answer. Undefined for other errors. */
export function asPassingError(error: unknown): OciError | undefined {
  if (!(error instanceof TrainyardError) || !error.retryable) return undefined
  const code = error.status === 429 ? 'TOOMANYREQUESTS' : 'UNAVAILABLE'
  return new OciError(code, error.detail, {
    headers: { 'Retry-After': String(error.retryAfterSeconds ?? 2), 'Content-Type': PROBLEM_MEDIA_TYPE },
    cause: error,
  })
}

/**
 * The response for an {@link OciError}. A HEAD request gets only the headers. A failure that passes is a problem document with
 * the members of an OCI error.
 */
export function ociErrorResponse(error: OciError, method: string): Response {
  const errors = [
    { code: error.code, message: error.message.slice(0, MAX_MESSAGE_LENGTH), detail: error.detail ?? null },
  ]
  const problem = error.cause instanceof TrainyardError ? toProblem(error.cause) : undefined
  const body = JSON.stringify({ ...problem, errors })
  return new Response(method === 'HEAD' ? null : body, {
    status: error.status,
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      'Docker-Distribution-API-Version': 'registry/2.0',
      ...error.headers,
    },
  })
}
