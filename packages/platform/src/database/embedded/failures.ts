import { ConfigError } from '../../errors.ts'
import { errorMessage } from '../../system/describe-error.ts'

export function cannotRun(program: string, error: unknown): never {
  throw new ConfigError(
    `${program} cannot be run here (${errorMessage(error)}); on systems with musl, such as Alpine, install PostgreSQL and set DATABASE_URL`,
    { cause: error },
  )
}

/** The end of a program's output, in one line. */
export function lastLines(output: string): string {
  return output.trim().split('\n').slice(-5).join(' | ').slice(-1000)
}
