import { TrainyardClientError } from '@trainyard/client'
import { CLI_EXIT_CODES, type CliIo, UsageError } from './command.ts'
import { cleanText } from './terminal.ts'

/** Says what went wrong, on standard error for people and on standard output for programs; resolves the exit code. */
export function reportError(
  error: unknown,
  { title, json, help }: { title: string; json: boolean; help: string },
  io: CliIo,
): number {
  const isUsage =
    error instanceof UsageError ||
    (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_'))
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof TrainyardClientError ? { code: error.code } : {}
  if (!isUsage && json) io.stdout.write(`${JSON.stringify({ error: { ...code, message } }, null, 2)}\n`)
  else io.stderr.write(`${title}: ${cleanText(message)}\n`)
  if (isUsage) io.stderr.write(`\n${help}`)
  return isUsage ? CLI_EXIT_CODES.usage : CLI_EXIT_CODES.failed
}
