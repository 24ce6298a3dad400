import { EXIT_CODES } from './command-line/exit-codes.ts'
import type { CliIo } from './command-line/io.ts'
import { InterruptedError, UsageError } from './errors.ts'
import { printJson } from './terminal/table.ts'
import { cleanText } from './terminal/text.ts'

export interface ReportOptions {
  /** The command, as it was called: "trainyard jobs ls". */
  path: string
  /** The usage line of the command, for a wrong command line. */
  usage: string
  json: boolean
}

/** Prints an error: to standard error, or as JSON to standard output. Resolves with the exit code. */
export async function reportError(error: unknown, { path, usage, json }: ReportOptions, io: CliIo): Promise<number> {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof UsageError) {
    io.stderr.write(`${path}: ${cleanText(message)}\n${usage}\nFor help: ${path} --help\n`)
    if (json) printJson(io, { error: { code: 'usage', message } })
    return EXIT_CODES.usage
  }
  if (json) printJson(io, { error: { code: await codeOf(error), message } })
  else io.stderr.write(`${path}: ${cleanText(message)}\n`)
  return error instanceof InterruptedError ? EXIT_CODES.interrupted : EXIT_CODES.failed
}

async function codeOf(error: unknown): Promise<string> {
  if (error instanceof InterruptedError) return 'interrupted'
  // Loaded late: the client takes longer to load than the rest of the command line.
  const { TrainyardClientError } = await import('@trainyard/client')
  return error instanceof TrainyardClientError ? error.code : 'failed'
}
