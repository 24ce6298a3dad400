/** Thrown when the validator is called with wrong arguments. The message names the value seen. The program exits with 2. */
export class UsageError extends Error {
  readonly code = 'usage'
  override readonly name = 'UsageError'
}

/** Thrown when a trainer cannot be run because its sandbox cannot be created on this machine. It is not a fault of the trainer. */
export class SandboxUnavailableError extends Error {
  readonly code = 'sandbox_unavailable'
  override readonly name = 'SandboxUnavailableError'
}

/** Thrown when the embedded runner rejects a request of the validator. */
export class RunnerResponseError extends Error {
  readonly code = 'runner_response'
  override readonly name = 'RunnerResponseError'
  readonly status: number

  constructor(request: string, status: number, detail: string) {
    super(`${request}: ${detail}`)
    this.status = status
  }
}

/** Thrown within a compliance run when the time is used up. The run then ends with what it has recorded. */
export class OutOfTimeError extends Error {
  readonly code = 'out_of_time'
  override readonly name = 'OutOfTimeError'
}

/** Thrown while parsing a text that is not JSON. */
export class JsonSyntaxError extends Error {
  readonly code = 'json_syntax'
  override readonly name = 'JsonSyntaxError'
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/**
 * Thrown when a layer of an image is damaged, exceeds a limit, or could be applied in two ways by different container engines.
 * The message completes "the layer …" and names the entry.
 */
export class LayerRefused extends Error {
  override readonly name = 'LayerRefused'
  readonly code = 'layer_refused'
  /** The digest of the layer. */
  layer: string | undefined
}

/** Thrown when an image cannot be fetched: its registry does not answer, or sends other bytes than it names. */
export class TargetUnavailableError extends Error {
  readonly code = 'target_unavailable'
  override readonly name = 'TargetUnavailableError'
}
