import type { ErrorType, StopReason } from './index.ts'

/** What every error of this package takes beside its message. */
export interface TrainerErrorOptions {
  cause?: unknown
  /** Whether the same job may succeed when it is tried again. */
  retryable?: boolean
}

/**
 * Base of everything this package throws. `code` is the `errorType` under which `runTrainer` reports it; throw one of the
 * subclasses from a handler to say what went wrong, any other error is reported as `UnknownError`.
 */
export class TrainerError extends Error {
  readonly code: ErrorType = 'UnknownError'
  readonly retryable: boolean

  constructor(message: string, options: TrainerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.retryable = options.retryable ?? false
  }
}

/** The dataset cannot be used: no images, a corrupt image, a file that does not follow its format. Exit code 3. */
export class DatasetError extends TrainerError {
  override readonly code = 'DatasetError'
}

/** A setting or an environment variable is not usable. Exit code 3. */
export class ConfigError extends TrainerError {
  override readonly code = 'ConfigError'
}

/** A checkpoint cannot be written, uploaded, downloaded or read. */
export class CheckpointError extends TrainerError {
  override readonly code = 'CheckpointError'
}

/** Memory, disk or a device ran out. */
export class ResourceError extends TrainerError {
  override readonly code = 'ResourceError'
}

/** The machine-learning framework failed. */
export class FrameworkError extends TrainerError {
  override readonly code = 'FrameworkError'
}

/** A number that must not be: NaN loss, a metric outside its range, a result without what it promises. */
export class ValidationError extends TrainerError {
  override readonly code = 'ValidationError'
}

/** The platform or the object store does not answer, or refuses. Tried again before it is thrown. Exit code 2. */
export class NetworkError extends TrainerError {
  override readonly code = 'NetworkError'
  /** HTTP status of the last answer, absent when there was none. */
  readonly status: number | undefined

  constructor(message: string, options: TrainerErrorOptions & { status?: number } = {}) {
    super(message, { retryable: true, ...options })
    this.status = options.status
  }
}

/** The job is to stop: reason of `job.signal`, and what it throws. Let it pass through; it becomes `cancelled`. */
export class JobStoppedError extends TrainerError {
  /** Who asked: the platform (with its reason, or by refusing what the job sends), or a signal to the process. */
  readonly reason: StopReason | 'refused' | 'SIGTERM' | 'SIGINT'

  constructor(reason: StopReason | 'refused' | 'SIGTERM' | 'SIGINT') {
    super(`The job was asked to stop (${reason})`)
    this.reason = reason
  }
}
