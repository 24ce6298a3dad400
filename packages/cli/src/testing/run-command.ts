import { runCli } from '../run-cli.ts'

export interface RunOptions {
  env?: Record<string, string> | undefined
  cwd?: string | undefined
  /** Whether both outputs are terminals. */
  isTTY?: boolean | undefined
  stdin?: string | undefined
}

export interface RunResult {
  code: number
  out: string
  err: string
}

/** Runs a command line in this process. */
export async function runCommand(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { env = {}, cwd = '/', isTTY = false, stdin } = options
  let out = ''
  let err = ''
  async function* input() {
    yield stdin ?? ''
  }
  const code = await runCli(args, {
    stdout: { write: (text) => (out += text), isTTY, columns: 80 },
    stderr: { write: (text) => (err += text), isTTY, columns: 80 },
    env,
    cwd,
    stdin: stdin === undefined ? undefined : input(),
  })
  return { code, out, err }
}
