import { constants } from 'node:os'
import { EXIT_CODES } from '@trainyard/contract'
import { ConfigError, type TrainerError } from '@trainyard/contract/trainer-errors'
import { createTrainerError, type ReportedFailure } from '../util/create-trainer-error.ts'

/** How a program ended: with an exit code, with a signal, or because it could not be started. */
export type ChildEnd = { code: number } | { signal: NodeJS.Signals } | { cannotStart: NodeJS.ErrnoException }

/**
 * The error of a program that failed; undefined when it completed. A `failed` event has precedence over the exit code. Without
 * one, the exit code has the contract's meaning (3: settings or dataset, 2: network), and the message is the last line of
 * standard error.
 */
export function judgeEnd(
  program: string,
  end: ChildEnd,
  reported: ReportedFailure | undefined,
  lastErrors: readonly string[],
): TrainerError | undefined {
  if ('cannotStart' in end) {
    const isMissing = end.cannotStart.code === 'ENOENT'
    const why = isMissing ? 'it is not installed or not in PATH' : end.cannotStart.message
    return new ConfigError(`"${program}" cannot be started: ${why}`, { cause: end.cannotStart })
  }
  const traceback = lastErrors.join('\n')
  if (reported !== undefined) return createTrainerError({ traceback, ...reported })
  const signal = 'signal' in end ? end.signal : signalOfCode(end.code)
  if (signal !== undefined) {
    const hint = signal === 'SIGKILL' ? ', often because memory ran out' : ''
    const errorType = signal === 'SIGKILL' ? 'ResourceError' : 'UnknownError'
    return createTrainerError({
      errorType,
      message: `"${program}" was terminated by ${signal}${hint}`,
      traceback,
      retryable: true,
    })
  }
  const code = 'code' in end ? end.code : 0
  if (code === 0) return undefined
  const message = lastErrors.findLast((line) => line.trim() !== '')?.trim() ?? `"${program}" exited with ${code}`
  switch (code) {
    case EXIT_CODES.unusableInput:
      return createTrainerError({ errorType: 'ConfigError', message, traceback })
    case EXIT_CODES.platformUnreachable:
      return createTrainerError({ errorType: 'NetworkError', message, traceback })
    default:
      return createTrainerError({ errorType: 'UnknownError', message, traceback, retryable: true })
  }
}

/** Shells report a signal as 128 plus its number. */
function signalOfCode(code: number): NodeJS.Signals | undefined {
  if (code <= 128) return undefined
  const entry = Object.entries(constants.signals).find(([, number]) => number === code - 128)
  return entry?.[0] as NodeJS.Signals | undefined
}
