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
  const message = describeError(error)
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

/** What the codes of the operating system mean, and what to do. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied: choose another path, or change its permissions',
  EPERM: 'permission denied: choose another path, or change its permissions',
  EROFS: 'its file system is read-only: choose a path on another one',
  ENOSPC: 'the disk is full: free space, or choose a path on another disk',
  EDQUOT: 'the disk quota is used up: free space, or choose a path on another disk',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is a file: expected a folder',
  EISDIR: 'it is a folder: expected a file',
  EEXIST: 'it exists already',
  ENAMETOOLONG: 'its name is too long',
  EMFILE: 'too many files are open: raise the limit with "ulimit -n"',
}

/** Errors of the operating system in people's words: Node.js reports "EROFS: read-only file system, mkdir '/x'". */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, path, syscall }: NodeJS.ErrnoException = error
  const text = code !== undefined && Object.hasOwn(SYSTEM_ERRORS, code) ? SYSTEM_ERRORS[code] : undefined
  // A message of our own names more than the system does.
  const isRaw = code !== undefined && error.message.startsWith(`${code}: `)
  return text === undefined || path === undefined || syscall === undefined || !isRaw
    ? error.message
    : `${path}: ${text} (${code})`
}
