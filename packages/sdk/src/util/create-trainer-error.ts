import type { ErrorType } from '@trainyard/contract'
import {
  CheckpointError,
  ConfigError,
  DatasetError,
  FrameworkError,
  NetworkError,
  ResourceError,
  TrainerError,
  type TrainerErrorOptions,
  ValidationError,
} from '@trainyard/contract/trainer-errors'

const ERRORS = {
  CheckpointError,
  ConfigError,
  DatasetError,
  FrameworkError,
  NetworkError,
  ResourceError,
  UnknownError: TrainerError,
  ValidationError,
} satisfies Record<ErrorType, new (message: string, options?: TrainerErrorOptions) => TrainerError>

/** A failure that another process reported. */
export interface ReportedFailure {
  errorType: ErrorType
  message: string
  traceback?: string | undefined
  retryable?: boolean | undefined
}

/** The reported failure as an error of this process. Its stack is the reported traceback. */
export function createTrainerError({ errorType, message, traceback, retryable }: ReportedFailure): TrainerError {
  const error = new ERRORS[errorType](message, { retryable })
  error.stack = traceback ?? ''
  return error
}
