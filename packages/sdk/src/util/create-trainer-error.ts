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

/** What another process says of its failure. */
export interface ReportedFailure {
  errorType: ErrorType
  message: string
  traceback?: string | undefined
  retryable?: boolean | undefined
}

/** The same failure as an error of this process; its stack is the other one's. */
export function createTrainerError({ errorType, message, traceback, retryable }: ReportedFailure): TrainerError {
  const error = new ERRORS[errorType](message, retryable === undefined ? {} : { retryable })
  error.stack = traceback ?? ''
  return error
}
