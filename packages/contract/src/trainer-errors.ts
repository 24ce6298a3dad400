import type { FieldIssue } from './errors.ts'
import type { ErrorType, StopReason } from './job-states.ts'

/** Options of every error in this module. */
export interface TrainerErrorOptions {
  cause?: unknown
  /** Whether the same job may succeed when it runs again. */
  retryable?: boolean | undefined
}

/**
 * Base class of the errors that trainers throw. `code` is the `errorType` that `runTrainer` reports. Throw one of the
 * subclasses from a handler to name the cause; every other error is reported as `UnknownError`.
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
 * - `no-annotations`: no annotation file of the requested format exists
 * - `no-images`: the dataset lists no image
 * - `missing-image`: an image that the dataset names does not exist
 * - `size-mismatch`: an image has another size than its annotations assume
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

/** Options of {@link DatasetError}. */
export interface DatasetErrorOptions extends TrainerErrorOptions {
  /** Default: `invalid`. */
  reason?: DatasetErrorReason | undefined
  /** The fields or files that are wrong, paths relative to the dataset. Default: none. */
  issues?: readonly FieldIssue[] | undefined
}

/** The dataset cannot be used: it has no images, a corrupt image, or a file that does not follow its format. Exit code 3. */
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

/** A setting or an environment variable is missing or invalid. Exit code 3. */
export class ConfigError extends TrainerError {
  override readonly code = 'ConfigError'
}

/** A checkpoint cannot be written, uploaded, downloaded or read. */
export class CheckpointError extends TrainerError {
  override readonly code = 'CheckpointError'
}

/** Memory, disk space or a device ran out. */
export class ResourceError extends TrainerError {
  override readonly code = 'ResourceError'
}

/** The machine-learning framework failed. */
export class FrameworkError extends TrainerError {
  override readonly code = 'FrameworkError'
}

/** An invalid result: a loss of NaN, a metric outside its range, an export without an artifact. */
export class ValidationError extends TrainerError {
  override readonly code = 'ValidationError'
}

/** The platform or the object store does not respond, or refuses the request. Thrown after the retries. Exit code 2. */
export class NetworkError extends TrainerError {
  override readonly code = 'NetworkError'
  /** HTTP status of the last response; undefined when there was none. */
  readonly status: number | undefined

  constructor(message: string, options: TrainerErrorOptions & { status?: number | undefined } = {}) {
    super(message, { ...options, retryable: options.retryable ?? true })
    this.status = options.status
  }
}

/** The job must stop: the reason of `job.signal`. Do not catch it; the job then ends as `cancelled`. */
export class JobStoppedError extends TrainerError {
  /** Who stopped it: the platform, with its reason or by refusing the job's requests (`refused`), or a signal to the process. */
  readonly reason: StopReason | 'refused' | 'SIGTERM' | 'SIGINT'

  constructor(reason: StopReason | 'refused' | 'SIGTERM' | 'SIGINT') {
    super(`The job was asked to stop (${reason})`)
    this.reason = reason
  }
}
