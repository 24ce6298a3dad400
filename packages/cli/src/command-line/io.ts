/** What a command can use of its process. Tests pass their own. */
export interface CliIo {
  stdout: Output
  stderr: Output
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** With `--quiet`: print only the result. `stderr` then prints nothing. */
  isQuiet?: boolean | undefined
  /** For questions. Undefined if there is no standard input. */
  stdin?: Input | undefined
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
