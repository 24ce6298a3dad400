import type { ErrorType, FieldIssue, StopReason } from './index.ts'

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

/**
 * Why a dataset cannot be used:
 *
 * - `unreadable`: the folder or a file cannot be opened
 * - `unknown-format`: no format matches the files
 * - `ambiguous-format`: more than one format matches
 * - `unknown-task`: the files are for a task that no trainer has
 * - `no-annotations`: the format that was asked for has no annotation file here
 * - `no-images`: the dataset lists no image
 * - `missing-image`: an image that the dataset names does not exist
 * - `size-mismatch`: an image has another size than its annotations were drawn on
 * - `invalid`: anything else, such as a corrupt image or a file that does not follow its format
 */
export type DatasetErrorReason =
  | 'unreadable'
  | 'unknown-format'
  | 'ambiguous-format'
  | 'unknown-task'
  | 'no-annotations'
  | 'no-images'
  | 'missing-image'
  | 'size-mismatch'
  | 'invalid'

/** What a {@link DatasetError} takes beside its message. */
export interface DatasetErrorOptions extends TrainerErrorOptions {
  /** Default: `invalid`. */
  reason?: DatasetErrorReason | undefined
  /** The fields or files that are wrong, paths relative to the dataset. Default: none. */
  issues?: readonly FieldIssue[] | undefined
}

/** The dataset cannot be used: no images, a corrupt image, a file that does not follow its format. Exit code 3. */
export class DatasetError extends TrainerError {
  override readonly code = 'DatasetError'
  readonly reason: DatasetErrorReason
  readonly issues: readonly FieldIssue[]

  constructor(message: string, options: DatasetErrorOptions = {}) {
    super(message, options)
    this.reason = options.reason ?? 'invalid'
    this.issues = options.issues ?? []
  }
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
