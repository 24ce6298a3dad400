import { describeIssue, type FieldIssue, PROBLEMS, type ProblemCode } from '@trainyard/contract'
import type { z } from 'zod'

export interface TrainyardErrorOptions {
  /** The invalid fields, for `invalid_request` and `unprocessable`. */
  issues?: FieldIssue[] | undefined
  /** Sent as the `Retry-After` header. */
  retryAfterSeconds?: number | undefined
  /** Further members of the problem document, for example `{ acknowledged: 17 }`. No secrets. */
  extra?: Record<string, unknown> | undefined
  /** The underlying error. It is logged, and never sent. */
  cause?: unknown
}

/**
 * Thrown when a request cannot be carried out. `code` decides the HTTP status and whether a retry can help.
 * {@link problemHandler} answers with problem+json. `detail` is sent to the caller: name the field, its value and what is
 * expected, and leave out secrets.
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

  /** Compared by name, because each published server bundles its own copy of this package. */
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
 * Thrown by every query while the database does not answer: it restarts, has crashed, or cannot be reached. Answered with
 * 503 and `Retry-After`. The same request can succeed in a few seconds.
 */
export class DatabaseUnavailable extends TrainyardError {
  readonly isDatabaseUnavailable = true

  /** See {@link TrainyardError}. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && 'isDatabaseUnavailable' in value
  }

  constructor(cause: unknown) {
    super('unavailable', 'The database does not respond at the moment. Try again in a few seconds', {
      retryAfterSeconds: 2,
      cause,
    })
  }
}

/** Thrown when bytes do not have the digest that was expected. Nothing was stored. */
export class DigestMismatch extends TrainyardError {
  /** `sha256:` or `sha512:` and hex digits. */
  readonly actual: string

  /** See {@link TrainyardError}. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && 'actual' in value && value.name === 'TrainyardError'
  }

  constructor(expected: string, actual: string) {
    super('invalid_request', `Nothing was stored: the digest of the bytes is ${actual}; expected ${expected}`)
    this.actual = actual
  }
}

/**
 * Thrown at the start, when the settings or the state of the machine make it impossible. The message tells the operator what
 * to do. Programs print it without a stack and exit with a non-zero code.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  /** See {@link TrainyardError}. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'ConfigError'
  }
}

/** An `invalid_request` with the invalid fields, of bounded length. A value of a secret field is left out. */
export function invalidRequest(issues: FieldIssue[] | z.ZodError, detail?: string): TrainyardError {
  const list = Array.isArray(issues) ? issues.slice(0, MAX_ISSUES).map(bounded) : fieldIssues(issues)
  const first = list[0]
  const summary = first === undefined ? 'The request is not valid' : sentence(first, list.length)
  return new TrainyardError('invalid_request', detail ?? summary, { issues: list })
}

/** `notFound('job', 17)` is the error `not_found` with the message `Job "17" not found`. */
export function notFound(kind: string, id: string | number): TrainyardError {
  return new TrainyardError('not_found', `${kind.charAt(0).toUpperCase()}${kind.slice(1)} "${id}" not found`)
}

const SECRET_NAME = /token|secret|password|passwd|authorization|credential|private.?key|jwt/i

/** Whether a field or variable of this name can hold a secret, which must not be shown or logged. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

/** What a problem document shows of a hostile request, which can have a mistake in each of its bytes. */
const MAX_ISSUES = 50
const MAX_PATH_LENGTH = 300
const MAX_DETAIL_LENGTH = 1000
const MAX_VALUE_LENGTH = 200

/**
 * The issues of a zod error as issues of the contract: dotted path, what is expected, and the value in `input`. At most 50,
 * each of bounded length: the input is a stranger's.
 */
export function fieldIssues(error: z.ZodError, input?: unknown): FieldIssue[] {
  return error.issues
    .slice(0, MAX_ISSUES)
    .flatMap((issue) => describeIssue(issue))
    .slice(0, MAX_ISSUES)
    .map(({ path, detail }) => {
      const text = path.map((part) => cut(String(part), MAX_PATH_LENGTH)).join('.')
      return bounded({ path: text, detail, value: valueAt(input, path) })
    })
}

function bounded({ path, detail, value }: FieldIssue): FieldIssue {
  const isShown = value !== undefined && !isSecretName(path)
  return {
    path: cut(path, MAX_PATH_LENGTH),
    detail: cut(detail, MAX_DETAIL_LENGTH),
    value: isShown ? shorten(value) : undefined,
  }
}

/** Text of at most `length` characters; longer text ends with "…". */
export function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text
}

function sentence(issue: FieldIssue, count: number): string {
  const where = issue.path === '' ? 'The request' : issue.path
  const more = count > 1 ? ` (and ${count - 1} more)` : ''
  return `${where} ${issue.detail}${more}`
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<PropertyKey, unknown>)[part]
  }
  return value
}

/** Shortens a value to 200 characters. An object is shown as JSON, without nested secrets. */
function shorten(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  return cut(typeof value === 'string' ? value : outline(value), MAX_VALUE_LENGTH)
}

/** The first characters of a value as JSON. Visits no more of it than is shown, however large and deep it is. */
function outline(value: unknown): string {
  let left = MAX_VALUE_LENGTH
  const write = (text: string) => {
    left -= text.length
    return text
  }
  const show = (inner: unknown, depth: number): string => {
    if (left <= 0) return ''
    if (typeof inner === 'string') return write(JSON.stringify(cut(inner, MAX_VALUE_LENGTH)))
    if (typeof inner !== 'object' || inner === null) return write(JSON.stringify(inner) ?? String(inner))
    if (depth === 0) return write('…')
    const isList = Array.isArray(inner)
    let text = write(isList ? '[' : '{')
    let isFirst = true
    for (const key in inner) {
      if (left <= 0) break
      if (!isFirst) text += write(',')
      isFirst = false
      if (!isList) text += write(`${JSON.stringify(cut(key, MAX_VALUE_LENGTH))}:`)
      const hidden = !isList && isSecretName(key)
      text += hidden ? write('"[hidden]"') : show((inner as Record<string, unknown>)[key], depth - 1)
    }
    return text + write(isList ? ']' : '}')
  }
  return show(value, 10)
}
