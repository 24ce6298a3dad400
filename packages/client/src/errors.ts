import type { Problem } from '@trainyard/contract'

/** Base of everything the client throws on purpose; `code` is stable, the message is for a person. */
export class TrainyardClientError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The server answered with a problem document. `problem` has it whole; `problem.retryable` says whether to try again. */
export class TrainyardApiError extends TrainyardClientError {
  readonly status: number
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.code, describeProblem(problem))
    this.status = problem.status
    this.problem = problem
  }
}

/** Nothing answered at `url`: wrong address, server not started, no network. */
export class TrainyardUnreachableError extends TrainyardClientError {
  readonly url: string

  constructor(url: string, cause: unknown) {
    super(
      'unreachable',
      `Nothing answers at ${new URL(url).origin} (${reasonOf(cause)}). Is the server running, and is this its address?`,
      { cause },
    )
    this.url = url
  }
}

/** The server answered something that the contract does not allow: another version, or another server, is at that address. */
export class UnexpectedAnswerError extends TrainyardClientError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('unexpected_answer', message, options)
  }
}

/** The folder cannot be published as it is. The message names each field or file that is wrong. */
export class InvalidTrainerError extends TrainyardClientError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('invalid_trainer', message, options)
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

/** The registry refused the push, in the words of its OCI error answer. */
export class PushRefusedError extends TrainyardClientError {
  readonly status: number

  constructor(status: number, code: string, message: string) {
    super(code, message)
    this.status = status
  }
}

function describeProblem(problem: Problem): string {
  const issues = (problem.issues ?? []).map((issue) => {
    const seen = issue.value === undefined ? '' : ` (seen ${JSON.stringify(issue.value)})`
    return `\n  ${issue.path || 'body'}: ${issue.detail}${seen}`
  })
  return (problem.detail ?? problem.title) + issues.join('')
}

/** The innermost cause says what happened: fetch itself only says "fetch failed". */
export function reasonOf(error: unknown): string {
  let reason = error
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause
  if (reason instanceof AggregateError && reason.errors[0] instanceof Error) reason = reason.errors[0]
  if (!(reason instanceof Error)) return String(reason)
  const code = 'code' in reason && typeof reason.code === 'string' ? reason.code : undefined
  return reason.message || code || reason.name
}
