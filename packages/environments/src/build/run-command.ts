import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface CommandOptions {
  cwd: string
  env: Readonly<Record<string, string>>
  signal: AbortSignal
  onLine(line: string): void
  /** Called with the number of the process group. */
  onStart?: ((group: number) => void) | undefined
}

/** How much of the output is kept for the report. */
const MAX_KEPT_CHARACTERS = 64 * 1024

export interface CommandResult {
  /** Undefined: success. Otherwise how it ended, as the end of a sentence. */
  failure: string | undefined
  output: string
}

/** Runs a program in a process group of its own, which is killed when the signal is aborted. */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { cwd, env, signal, onLine, onStart } = options
  const [program = '', ...args] = argv
  signal.throwIfAborted()
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
  signal.addEventListener('abort', kill)
  if (child.pid !== undefined) onStart?.(child.pid)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output = `${output}${line}\n`.slice(-MAX_KEPT_CHARACTERS)
      onLine(line.slice(0, 2000))
    })
  }
  try {
    const failure = await new Promise<string | undefined>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, by) =>
        resolve(code === 0 ? undefined : by === null ? `with code ${code}` : `by ${by}`),
      )
    })
    signal.throwIfAborted()
    return { failure, output }
  } finally {
    signal.removeEventListener('abort', kill)
    // What a package started at its installation ends with it.
    kill()
  }
}
