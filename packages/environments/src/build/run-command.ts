import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'

export interface CommandOptions {
  cwd: string
  env: Readonly<Record<string, string>>
  signal: AbortSignal
  /** Gets the output. A pipe that another process of the sandbox makes non-blocking lets uv abort when it is full. */
  outputFile: string
  onLine(line: string): void
}

/** How much of the output is kept for the report. */
const MAX_KEPT_CHARACTERS = 64 * 1024
const POLL_MS = 200
const CHUNK_BYTES = 64 * 1024

export interface CommandResult {
  /** Undefined: success. Otherwise how it ended, as the end of a sentence. */
  failure: string | undefined
  output: string
}

/** Runs a program in a process group of its own, which is killed when the signal is aborted. */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { cwd, env, signal, outputFile, onLine } = options
  const [program = '', ...args] = argv
  signal.throwIfAborted()
  const file = await open(outputFile, 'w+')
  try {
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', file.fd, file.fd] })
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    signal.addEventListener('abort', kill)
    const ended = new Promise<string | undefined>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, by) => resolve(code === 0 ? undefined : by === null ? `with code ${code}` : `by ${by}`))
    })
    const reader = new OutputReader(file, onLine)
    const timer = setInterval(() => void reader.read(), POLL_MS)
    try {
      const failure = await ended
      signal.throwIfAborted()
      return { failure, output: await reader.readRest() }
    } finally {
      clearInterval(timer)
      signal.removeEventListener('abort', kill)
      // What a package started at its installation ends with it.
      kill()
      await reader.read()
    }
  } finally {
    await file.close()
  }
}

/** Reads the lines of a file that grows. */
class OutputReader {
  readonly #file: Awaited<ReturnType<typeof open>>
  readonly #onLine: (line: string) => void
  readonly #buffer = Buffer.alloc(CHUNK_BYTES)
  #position = 0
  #begun = ''
  #output = ''
  #reading: Promise<void> = Promise.resolve()

  constructor(file: Awaited<ReturnType<typeof open>>, onLine: (line: string) => void) {
    this.#file = file
    this.#onLine = onLine
  }

  read(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#readOn())
    return this.#reading
  }

  /** All of it, as far as it is kept. */
  async readRest(): Promise<string> {
    await this.read()
    if (this.#begun !== '') this.#onLine(this.#begun)
    this.#begun = ''
    return this.#output
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const { bytesRead } = await this.#file.read(this.#buffer, 0, CHUNK_BYTES, this.#position)
      if (bytesRead === 0) return
      this.#position += bytesRead
      const text = this.#buffer.toString('utf8', 0, bytesRead)
      this.#output = (this.#output + text).slice(-MAX_KEPT_CHARACTERS)
      const lines = (this.#begun + text).split('\n')
      this.#begun = (lines.pop() ?? '').slice(-2000)
      for (const line of lines) this.#onLine(line.slice(0, 2000))
    }
  }
}
