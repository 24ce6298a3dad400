import { constants } from 'node:os'
import { classifyFailure, type ErrorType, EXIT_CODES } from '@trainyard/contract'
import { ConfigError, type TrainerError } from '@trainyard/contract/trainer-errors'
import { createTrainerError, type ReportedFailure } from '../util/create-trainer-error.ts'
import { type FoundError, findError } from './find-error.ts'

/** How a program ended: with an exit code, with a signal, or because it could not be started. */
export type ChildEnd = { code: number } | { signal: NodeJS.Signals } | { cannotStart: NodeJS.ErrnoException }

/**
 * The error of a program that failed; undefined when it completed. A `failed` event has precedence over the exit code. Without
 * one, the message is the error that standard error ends with. Its type is what the message tells, otherwise what the exit code
 * means in the contract (3: settings or dataset, 2: network).
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
  const found = findError(lastErrors)
  const traceback = found?.traceback ?? ''
  if (reported !== undefined) return createTrainerError({ traceback, ...reported })
  const signal = 'signal' in end ? end.signal : signalOfCode(end.code)
  if (signal === 'SIGKILL') {
    const message = `"${program}" was terminated by SIGKILL, often because memory ran out: then raise resources.memoryMb in trainer.json`
    return createTrainerError({ errorType: 'ResourceError', message, traceback, retryable: true })
  }
  const code = 'code' in end ? end.code : 0
  if (code === 0 && signal === undefined) return undefined
  const why = signal === undefined ? `exited with ${code}` : `was terminated by ${signal}`
  const message = found === undefined ? `"${program}" ${why}` : withoutModule(found)
  const classified = classifyFailure(
    signal === undefined || found === undefined ? message : `"${program}" ${why}: ${message}`,
  )
  const errorType = classified.errorType ?? (found && UNUSABLE.find((one) => one.pattern.test(message))?.errorType)
  const isPermanent = found?.type !== undefined && PERMANENT.test(found.type)
  if (errorType !== undefined) {
    return createTrainerError({ ...classified, errorType, traceback, retryable: RETRYABLE.has(errorType) })
  }
  return createTrainerError({
    ...classified,
    errorType: (signal === undefined ? OF_CODES[code] : undefined) ?? 'UnknownError',
    traceback,
    retryable: OF_CODES[code] === undefined ? !isPermanent : undefined,
  })
}

const OF_CODES: Readonly<Record<number, ErrorType>> = {
  [EXIT_CODES.unusableInput]: 'ConfigError',
  [EXIT_CODES.platformUnreachable]: 'NetworkError',
}
const RETRYABLE: ReadonlySet<ErrorType> = new Set(['ResourceError', 'NetworkError', 'UnknownError'])
/** The same code fails in the same way again. */
const PERMANENT = /^(?:SyntaxError|IndentationError|TabError|NameError)$/
/** Messages about the program itself, also with the exit code 2, which interpreters use for a wrong command line. */
const UNUSABLE: readonly { pattern: RegExp; errorType: ErrorType }[] = [
  { pattern: /^(?:ModuleNotFoundError|ImportError):/, errorType: 'ConfigError' },
  {
    pattern: /can't open file .*No such file|python[\d.]*: No module named |: error: |Cannot find module '/,
    errorType: 'ConfigError',
  },
]

/** `train.DatasetError: …` is the contract's type, wherever the class was defined. */
function withoutModule({ type, message }: FoundError): string {
  const short = type?.slice(type.lastIndexOf('.') + 1)
  if (type === undefined || short === undefined) return message
  const shortened = `${short}${message.slice(type.length)}`
  return classifyFailure(shortened).errorType === short ? shortened : message
}

/** Shells report a signal as 128 plus its number. */
function signalOfCode(code: number): NodeJS.Signals | undefined {
  if (code <= 128) return undefined
  const entry = Object.entries(constants.signals).find(([, number]) => number === code - 128)
  return entry?.[0] as NodeJS.Signals | undefined
}
