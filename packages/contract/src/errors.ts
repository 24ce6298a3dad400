import { z } from 'zod'

/** The codes of problem documents, each with its HTTP status and whether the same request may succeed later. */
export const PROBLEMS = {
  invalid_request: { status: 400, retryable: false, title: 'The request is not valid' },
  unauthenticated: { status: 401, retryable: false, title: 'A valid token is required' },
  token_expired: { status: 401, retryable: false, title: 'The token has expired' },
  forbidden: { status: 403, retryable: false, title: 'The token does not allow this' },
  not_found: { status: 404, retryable: false, title: 'Not found' },
  conflict: { status: 409, retryable: false, title: 'The request conflicts with the current state' },
  sequence_gap: { status: 409, retryable: true, title: 'Earlier events are missing' },
  attempt_superseded: { status: 409, retryable: false, title: 'A newer attempt has superseded this one' },
  job_finished: { status: 409, retryable: false, title: 'The attempt has ended' },
  payload_too_large: { status: 413, retryable: false, title: 'The request is too large' },
  unprocessable: { status: 422, retryable: false, title: 'The request cannot be processed' },
  rate_limited: { status: 429, retryable: true, title: 'Too many requests' },
  internal: { status: 500, retryable: true, title: 'Internal error' },
  storage_unavailable: { status: 503, retryable: true, title: 'The object store is unavailable' },
  unavailable: { status: 503, retryable: true, title: 'The service is unavailable' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>

/** One of the codes of {@link PROBLEMS}. */
export type ProblemCode = keyof typeof PROBLEMS
/** The codes of {@link PROBLEMS}. */
export const ProblemCode = z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]])

/** An invalid field: its path, the expected value, and the actual value. */
export const FieldIssue = z.object({
  path: z.string().describe('Dotted path of the field, "" for the whole body'),
  detail: z.string().describe('The expected value, in a sentence'),
  value: z.unknown().optional().describe('The actual value, cut to 200 characters; absent for secrets'),
})
export type FieldIssue = z.infer<typeof FieldIssue>

/** `application/problem+json` (RFC 9457) with a stable `code`. */
export const Problem = z
  .looseObject({
    type: z.string().describe('URL of the page that explains the code'),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().optional(),
    code: z.string(),
    retryable: z.boolean(),
    issues: z.array(FieldIssue).optional(),
    traceId: z.string().optional(),
    acknowledged: z.number().int().optional().describe('With `sequence_gap`: the last sequence number that is stored'),
  })
  .meta({ id: 'Problem' })
export type Problem = z.infer<typeof Problem>

/** Media type of {@link Problem}. */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json'
