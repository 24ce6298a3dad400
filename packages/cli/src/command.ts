/** What a command may touch, so that tests can run it in their own process. */
export interface CliIo {
  stdout: Output
  stderr: Output
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** Where questions are answered. Absent: nobody can be asked. */
  stdin?: Input
}

export interface Input extends AsyncIterable<string | Uint8Array> {
  isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
}

export interface Output {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
}

/** One command, in a file of its own that is loaded when it is called. */
export interface Command {
  help: string
  /** Resolves with the exit code. */
  run(args: string[], io: CliIo): Promise<number>
}

/** The exit codes of commands. `dev` exits as its trainer does. */
export const CLI_EXIT_CODES = { ok: 0, rejected: 1, usage: 2, failed: 3 } as const

/** The command line is wrong. The message says how; the help follows it. */
export class UsageError extends Error {}
