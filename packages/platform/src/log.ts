import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino'
import { openRotatingFile } from './rotating-file.ts'

export type { Logger } from 'pino'

export interface LoggerOptions {
  /** The program that writes the lines, for example `"runner"`. */
  name: string
  /** `trace` `debug` `info` `warn` `error` `fatal` or `silent`. Default: `info`. */
  level?: string | undefined
  /** The path of a file, which is rotated, or a stream. Default: standard output. */
  destination?: string | NodeJS.WritableStream | undefined
}

const SECRET_FIELDS = [
  'token',
  'secret',
  'password',
  'authorization',
  'cookie',
  'jwtSecret',
  'secretAccessKey',
  'callbackToken',
]

const REDACTED = [
  ...SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
  'headers["set-cookie"]',
  '*.headers["set-cookie"]',
]

/** Secrets in free text: our tokens, JWTs, signatures and passwords in URLs, authorization headers. */
const SECRETS_IN_TEXT: readonly [RegExp, string][] = [
  [/\bty_[A-Za-z0-9_-]{10,}/g, 'ty_[hidden]'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '[hidden jwt]'],
  [/([?&](?:signature|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token)=)[^&\s"'\\]+/gi, '$1[hidden]'],
  [/\b(Bearer|Basic) +[\w.~+/=-]+/gi, '$1 [hidden]'],
  [/([a-z][a-z0-9+.-]*:\/\/[^:/@\s"]*):[^@/\s"]+@/gi, '$1:[hidden]@'],
]

/** Replaces tokens, signatures and passwords in a text. */
export function hideSecrets(text: string): string {
  return SECRETS_IN_TEXT.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text)
}

/** A structured logger: one JSON object per line, with secrets removed from known fields and from free text. */
export function createLogger({ name, level = 'info', destination: target }: LoggerOptions): Logger {
  const stream: DestinationStream =
    target === undefined
      ? destination({ dest: 1, sync: true })
      : typeof target === 'string'
        ? openRotatingFile(target)
        : { write: (line) => void target.write(line) }
  return pino(
    {
      name,
      level,
      timestamp: stdTimeFunctions.isoTime,
      base: { pid: process.pid },
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[hidden]' },
    },
    { write: (line) => stream.write(hideSecrets(line)) },
  )
}
