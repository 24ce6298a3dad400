import { type ChildProcess, fork } from 'node:child_process'
import type { CheckResult, ValidationReport } from '@trainyard/contract'
import { type Logger, ownExecArgv, pickEnvironment } from '@trainyard/platform'
import { memoryOfTree } from './memory-of-tree.ts'
import { FromWorker, type ToWorker } from './messages.ts'

export interface ValidationWorkerOptions {
  workerUrl: URL
  /** `TMPDIR` of the worker. */
  temporaryDir: string
  logger: Logger
  /** Time between a request to stop and SIGKILL. */
  graceMs: number
  onCheck(check: CheckResult): void
}

/** What finds Pythons, uv and package indexes. */
const PYTHON_VARIABLES = [
  ...['UV_PATH', 'PYENV_ROOT', 'CONDA_PREFIX', 'SSL_CERT_FILE', 'PYTHON_ENVIRONMENTS_DIR', 'PYTHON_INDEX_URL'],
  ...['PYTHON_INDEX_HOSTS', 'PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_CONFIG_FILE', 'PIP_CERT'],
] as const
/** The environment variables that a worker inherits: enough to find programs and caches, and no secrets. */
const INHERITED_VARIABLES = [
  'PATH',
  'HOME',
  'LANG',
  'TZ',
  'USER',
  'SystemRoot',
  'XDG_CACHE_HOME',
  ...PYTHON_VARIABLES,
] as const

/** How long to wait for the worker's output to end after it has exited. */
const OUTPUT_WAIT_MS = 1000
const MAX_OUTPUT_CHUNKS = 20

/** `killed`: a signal that this process did not send ended the worker, for example of the kernel when memory is short. */
export type WorkerOutcome = { type: 'report'; report: ValidationReport } | { type: 'killed'; reason: string }

/** A forked process that validates one trainer. */
export class ValidationWorker {
  readonly #options: ValidationWorkerOptions
  readonly #process: ChildProcess
  readonly #result = Promise.withResolvers<WorkerOutcome>()
  /** The last output, for the log. */
  readonly #output: string[] = []
  #report: ValidationReport | undefined
  /** The first reason for which the validation fails. */
  #failure: string | undefined
  #killTimer: NodeJS.Timeout | undefined
  #ended = false

  constructor(options: ValidationWorkerOptions) {
    this.#options = options
    const { workerUrl, temporaryDir } = options
    this.#process = fork(workerUrl, [], {
      execArgv: ownExecArgv(workerUrl),
      env: { ...pickEnvironment(INHERITED_VARIABLES), TMPDIR: temporaryDir },
      // Its own process group, so that processes the trainer left running can be killed with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#keepOutput(text))
    }
    this.#process.on('message', (data) => this.#receive(data))
    this.#process.on('error', (error) => {
      this.#failure ??= error.message
      if (this.#process.pid === undefined) this.#end(null, null)
    })
    this.#process.on('exit', (code, signal) => {
      this.#killGroup()
      // A process that left the group may keep the pipes open, so `close` may never come.
      setTimeout(() => this.#end(code, signal), OUTPUT_WAIT_MS)
    })
    this.#process.on('close', (code, signal) => this.#end(code, signal))
  }

  /** Sends the request and waits for the report. Rejects if the worker fails or is stopped. */
  run(request: Extract<ToWorker, { type: 'validate' }>): Promise<WorkerOutcome> {
    this.#send(request)
    return this.#result.promise
  }

  /** Asks the worker to stop, and kills its process group after the grace period. `run` rejects with `reason`. */
  stop(reason: string): void {
    this.#failure ??= reason
    if (this.#killTimer || this.#process.exitCode !== null) return
    if (this.#process.connected) this.#send({ type: 'stop' })
    this.#killTimer = setTimeout(() => this.#killGroup(), this.#options.graceMs)
  }

  /** Kills the process group at once. `run` rejects with `reason`. */
  kill(reason: string): void {
    this.#failure ??= reason
    this.#killGroup()
  }

  /** Resident memory of the worker and its child processes. */
  async memoryBytes(): Promise<number> {
    const { pid } = this.#process
    return pid === undefined ? 0 : await memoryOfTree(pid)
  }

  #send(message: ToWorker): void {
    this.#process.send(message, () => undefined)
  }

  #receive(data: unknown): void {
    const message = FromWorker.safeParse(data)
    if (!message.success) this.stop('the worker sent an unknown message')
    else if (message.data.type === 'check') this.#options.onCheck(message.data.check)
    else if (message.data.type === 'report') this.#report = message.data.report
    else this.#failure ??= message.data.message
  }

  #keepOutput(text: string): void {
    this.#output.push(text.slice(-2000))
    if (this.#output.length > MAX_OUTPUT_CHUNKS) this.#output.shift()
  }

  #killGroup(): void {
    const { pid } = this.#process
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // The group has already ended.
    }
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#killTimer)
    if (this.#report && this.#failure === undefined) {
      this.#result.resolve({ type: 'report', report: this.#report })
      return
    }
    const reason = this.#failure ?? `the worker ended with ${signal ?? `code ${code}`} before it reported`
    this.#options.logger.warn({ code, signal, output: this.#output.join('').slice(-4000) }, reason)
    if (this.#failure === undefined && signal !== null) this.#result.resolve({ type: 'killed', reason })
    else this.#result.reject(new Error(reason))
  }
}
