import type { FieldIssue, Problem } from '@trainyard/contract'

const TRUST = 'If you trust it, write its authority to a PEM file, and set NODE_EXTRA_CA_CERTS to that file.'

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
    const { reason, advice } = explain(url, cause)
    super('unreachable', `No answer from ${new URL(url).origin}: ${reason}. ${advice}`, { cause })
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

/** The base image of a build does not exist, cannot be read, or does not fit the trainer. The message names it. */
export class BaseImageError extends TrainyardClientError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('base_image', message, options)
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
  const { detail = problem.title, issues = [] } = problem
  const [first, ...others] = issues
  const seen = (issue: FieldIssue) => {
    const text = issue.value === undefined ? '' : JSON.stringify(issue.value)
    return text === '' || detail.includes(text) ? '' : ` (got ${text})`
  }
  // Servers repeat a single issue as the detail.
  if (first !== undefined && others.length === 0 && detail.includes(first.detail)) return detail + seen(first)
  return detail + issues.map((issue) => `\n  ${issue.path || 'body'}: ${issue.detail}${seen(issue)}`).join('')
}

/** Codes of Node.js and OpenSSL, in people's words, with what to do. */
const REASONS: Readonly<Record<string, readonly [reason: string, advice: string]>> = {
  ECONNREFUSED: ['nothing listens there', 'Is the server running, and is the port correct?'],
  ENOTFOUND: ['its name is not known', 'Is the name spelt correctly?'],
  EAI_AGAIN: ['its name cannot be looked up', 'Is this machine connected to the network?'],
  EHOSTUNREACH: ['no route leads there', 'Is this machine connected to its network?'],
  ENETUNREACH: ['no route leads there', 'Is this machine connected to its network?'],
  ETIMEDOUT: ['it took too long', 'Is the address correct, and does a firewall let the connection through?'],
  UND_ERR_CONNECT_TIMEOUT: [
    'it took too long',
    'Is the address correct, and does a firewall let the connection through?',
  ],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'Its operator has to renew the certificate.'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another name', 'Use the name that the certificate is for.'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['its certificate is self-signed', TRUST],
  SELF_SIGNED_CERT_IN_CHAIN: ['its certificate is from an unknown authority', TRUST],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['its certificate is from an unknown authority', TRUST],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['its certificate is from an unknown authority', TRUST],
}

/** What went wrong, and what to check. */
function explain(url: string, cause: unknown): { reason: string; advice: string } {
  const { protocol, host } = new URL(url)
  const { code = '', message } = innermost(cause)
  // What OpenSSL reports of an answer that is not TLS.
  if (
    protocol === 'https:' &&
    /wrong version number|packet length too long|ERR_SSL_WRONG_VERSION/i.test(code + message)
  )
    return { reason: 'it does not use TLS', advice: `Is its address http://${host}?` }
  const known = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined
  if (known !== undefined) return { reason: known[0], advice: known[1] }
  // A server that expects TLS closes the connection.
  const isClosed = protocol === 'http:' && /^(UND_ERR_SOCKET|ECONNRESET|HPE_INVALID_CONSTANT)$/.test(code)
  const advice = isClosed
    ? `Is the server running? If it uses TLS, its address is https://${host}.`
    : 'Is the server running, and is the address correct?'
  return { reason: isClosed ? 'it closed the connection' : message || code, advice }
}

/** The message of the innermost cause: the one of `fetch` is only "fetch failed". */
export function reasonOf(error: unknown): string {
  const { message, code } = innermost(error)
  return message || code || 'unknown'
}

function innermost(error: unknown): { message: string; code: string | undefined } {
  let reason = error
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause
  if (reason instanceof AggregateError && reason.errors[0] instanceof Error) reason = reason.errors[0]
  if (!(reason instanceof Error)) return { message: String(reason), code: undefined }
  const code = 'code' in reason && typeof reason.code === 'string' ? reason.code : undefined
  return { message: reason.message || (code === undefined ? reason.name : ''), code }
}
