import type { Problem } from '@trainyard/contract'

/** Base class of the client's errors. `code` is stable; the message is for people. */
export class TrainyardClientError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The server refused the request. `problem` is its problem document; retry if `problem.retryable`. */
export class TrainyardApiError extends TrainyardClientError {
  readonly status: number
  readonly problem: Problem
  /** The value of `Retry-After`, if the server sent one in seconds. */
  readonly retryAfterSeconds: number | undefined

  constructor(problem: Problem, retryAfterSeconds?: number) {
    super(problem.code, describeProblem(problem))
    this.status = problem.status
    this.problem = problem
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** The server at `url` did not answer: the address is wrong, the server is not running, or the network is down. */
export class TrainyardUnreachableError extends TrainyardClientError {
  readonly url: string

  constructor(url: string, cause: unknown) {
    super('unreachable', `No answer from ${new URL(url).origin} (${reasonOf(cause)}). ${adviceFor(url, cause)}`, {
      cause,
    })
    this.url = url
  }
}

/** The answer does not match the contract: the server has another version or is not a Trainyard server. */
export class UnexpectedAnswerError extends TrainyardClientError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('unexpected_answer', message, options)
  }
}

/** The folder cannot be published. The message names each invalid field or file. */
export class InvalidTrainerError extends TrainyardClientError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('invalid_trainer', message, options)
  }
}

/** The folder has no trainer.json. */
export class NoManifestError extends InvalidTrainerError {
  constructor(dir: string, options?: { cause?: unknown }) {
    super(`No trainer.json in ${dir}: pass the folder that contains it`, options)
  }
}

/** The version exists with other content. Versions are immutable: raise `version` in trainer.json. */
export class VersionExistsError extends TrainyardClientError {
  constructor(name: string, version: string) {
    super(
      'version_exists',
      `version ${version} of ${name} already exists and versions are immutable: raise "version" in trainer.json`,
    )
  }
}

/** The registry refused the push. Code and message are those of its answer. */
export class PushRefusedError extends TrainyardClientError {
  readonly status: number

  constructor(status: number, code: string, message: string) {
    super(code, message)
    this.status = status
  }
}

function describeProblem(problem: Problem): string {
  const issues = (problem.issues ?? []).map((issue) => {
    const seen = issue.value === undefined ? '' : ` (got ${JSON.stringify(issue.value)})`
    return `\n  ${issue.path || 'body'}: ${issue.detail}${seen}`
  })
  return (problem.detail ?? problem.title) + issues.join('')
}

/** What to check, by what went wrong. */
function adviceFor(url: string, cause: unknown): string {
  const { protocol, host } = new URL(url)
  // OpenSSL's words for an answer that is not TLS.
  const isPlainHttp = protocol === 'https:' && /wrong version number|packet length too long/i.test(reasonOf(cause))
  return isPlainHttp
    ? `The server does not use TLS: is its address http://${host}?`
    : 'Is the server running, and is the address correct?'
}

/** The message of the innermost cause: the one of `fetch` is only "fetch failed". */
export function reasonOf(error: unknown): string {
  let reason = error
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause
  if (reason instanceof AggregateError && reason.errors[0] instanceof Error) reason = reason.errors[0]
  if (!(reason instanceof Error)) return String(reason)
  const code = 'code' in reason && typeof reason.code === 'string' ? reason.code : undefined
  return reason.message || code || reason.name
}
