import { describeIssue, type FieldIssue, PROBLEMS, type ProblemCode } from '@trainyard/contract'
import type { z } from 'zod'

/** What a {@link TrainyardError} may carry besides its code and its sentence. */
export interface TrainyardErrorOptions {
  /** The fields that are wrong, for `invalid_request` and `unprocessable`. */
  issues?: FieldIssue[]
  /** Becomes the `Retry-After` header. */
  retryAfterSeconds?: number
  /** More members of the problem document, for example `{ acknowledged: 17 }`. Never put secrets here. */
  extra?: Record<string, unknown>
  /** What went wrong underneath. It is logged, never sent. */
  cause?: unknown
}

/**
 * Thrown by verbs when a request cannot be carried out; `code` decides the HTTP status and whether a retry may help.
 * {@link problemHandler} turns it into problem+json. `detail` is sent to the caller: name the field, the value seen and
 * the value wanted, and leave secrets out.
 */
export class TrainyardError extends Error {
  override readonly name = 'TrainyardError'
  readonly code: ProblemCode
  readonly detail: string
  readonly status: number
  readonly retryable: boolean
  readonly issues: FieldIssue[] | undefined
  readonly retryAfterSeconds: number | undefined
  readonly extra: Record<string, unknown>

  /** Every published server has its own copy of this room: an error of one copy must be known to the others. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'TrainyardError' && 'code' in value && 'detail' in value
  }

  constructor(code: ProblemCode, detail: string, options: TrainyardErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = detail
    this.status = PROBLEMS[code].status
    this.retryable = PROBLEMS[code].retryable
    this.issues = options.issues
    this.retryAfterSeconds = options.retryAfterSeconds
    this.extra = options.extra ?? {}
  }
}

/**
 * Thrown while starting, when settings or the machine's state make a start impossible. Its message is written for the
 * person at the keyboard and says what to do; programs print it without a stack and exit with a non-zero code.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  /** See {@link TrainyardError}. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'ConfigError'
  }
}

/** An `invalid_request` with the fields that are wrong. */
export function invalidRequest(issues: FieldIssue[] | z.ZodError, detail?: string): TrainyardError {
  const list = Array.isArray(issues) ? issues : fieldIssues(issues)
  const first = list[0]
  const summary = first === undefined ? 'The request is not valid' : sentence(first, list.length)
  return new TrainyardError('invalid_request', detail ?? summary, { issues: list })
}

/** A `not_found` for one thing: `notFound('job', 17)`. */
export function notFound(what: string, id: string | number): TrainyardError {
  return new TrainyardError('not_found', `There is no ${what} "${String(id)}" here`)
}

const SECRET_NAME = /token|secret|password|passwd|authorization|credential|private.?key|jwt/i

/** Whether a field or variable of this name holds something that must not be shown or logged. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

/** The issues of a zod error as contract issues: dotted path, what is wanted, and the value seen in `input`. */
export function fieldIssues(error: z.ZodError, input?: unknown): FieldIssue[] {
  return error.issues
    .flatMap((issue) => describeIssue(issue))
    .map(({ path, detail }) => {
      const seen = input === undefined || path.some((part) => isSecretName(String(part))) ? undefined : at(input, path)
      const value = seen === undefined ? undefined : cut(seen)
      return { path: path.map(String).join('.'), detail, ...(value === undefined ? {} : { value }) }
    })
}

function sentence(issue: FieldIssue, count: number): string {
  const where = issue.path === '' ? 'The request' : issue.path
  const more = count > 1 ? ` (and ${count - 1} more)` : ''
  return `${where} ${issue.detail}${more}`
}

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<PropertyKey, unknown>)[part]
  }
  return value
}

/** Cuts what was seen to 200 characters. An object is shown as cut JSON, so that nested secrets stay out of it. */
function cut(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  const text =
    typeof value === 'string'
      ? value
      : (JSON.stringify(value, (key, inner: unknown) => (isSecretName(key) ? '[hidden]' : inner)) ?? String(value))
  return text.length > 200 ? `${text.slice(0, 199)}…` : text
}
