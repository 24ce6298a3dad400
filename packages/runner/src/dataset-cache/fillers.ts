import { type ChildProcess, fork } from 'node:child_process'
import { createGate, ownExecArgv, pickEnvironment, programBeside, TrainyardError } from '@trainyard/platform'
import type { FillError } from '../db/schema/cache-fills.ts'
import { type FillOrder, FromFiller, type ToFiller } from './messages.ts'

export interface FillOptions {
  order: FillOrder
  /** Aborting kills the process; `fill` then throws the signal's reason. */
  signal: AbortSignal
  /** Answers a GET of the trainer contract below `/dataset`. An error kills the process and is thrown by `fill`. */
  answer: (path: string) => Promise<unknown>
  onProgress: (files: number, totalFiles: number) => void
  onWarning: (message: string) => void
}

/** `died`: the process ended without a result. `detail` has its exit code and the end of its error output. */
export type FillOutcome =
  | { type: 'done'; key: string }
  | { type: 'failed'; error: FillError }
  | { type: 'died'; detail: string }

/** Each fill has 32 downloads in progress, or a conversion that keeps a core busy. */
const CONCURRENT_FILLS = 2
/** The variables that the program needs to run and to reach the object store. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'NODE_COMPILE_CACHE'] as const
/** A large dataset must not exhaust the memory of the machine. */
const MAX_HEAP_MB = 4096
/** How long a process waits for another order: several jobs, or several formats for one job, often come together. */
const IDLE_MS = 10_000
const MAX_OUTPUT_CHARACTERS = 2000

/** Processes that fill the dataset cache, one order at a time each. */
export class Fillers {
  readonly #cacheDir: string
  readonly #gate = createGate(CONCURRENT_FILLS)
  readonly #idle = new Map<ChildProcess, NodeJS.Timeout>()
  #isClosed = false

  constructor(cacheDir: string) {
    this.#cacheDir = cacheDir
  }

  fill(options: FillOptions): Promise<FillOutcome> {
    return this.#gate(async () => {
      options.signal.throwIfAborted()
      const child = this.#takeIdle() ?? this.#start()
      const outcome = await carryOut(child, options)
      if (outcome.type !== 'died') this.#keepIdle(child)
      return outcome
    })
  }

  /** Ends the processes that wait for an order. */
  close(): void {
    this.#isClosed = true
    for (const child of [...this.#idle.keys()]) {
      this.#forget(child)
      child.disconnect()
    }
  }

  #start(): ChildProcess {
    const program = programBeside(import.meta.url, 'fill-program')
    // The argument identifies the process in a list of processes.
    const child = fork(program, [this.#cacheDir], {
      execArgv: [`--max-old-space-size=${MAX_HEAP_MB}`, ...ownExecArgv(program)],
      env: pickEnvironment(PASSED_ON),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    child.on('error', () => {})
    child.once('close', () => this.#forget(child))
    child.stderr?.setEncoding('utf8')
    return child
  }

  #takeIdle(): ChildProcess | undefined {
    const child = [...this.#idle.keys()].find(({ connected }) => connected)
    if (child === undefined) return undefined
    this.#forget(child)
    child.ref()
    child.channel?.ref()
    return child
  }

  #keepIdle(child: ChildProcess): void {
    if (this.#isClosed) {
      child.disconnect()
      return
    }
    child.unref()
    child.channel?.unref()
    this.#idle.set(child, setTimeout(() => child.disconnect(), IDLE_MS).unref())
  }

  #forget(child: ChildProcess): void {
    clearTimeout(this.#idle.get(child))
    this.#idle.delete(child)
  }
}

/**
 * Sends one order and waits for its outcome. When it throws, the process has ended: its lock is free, and the next fill
 * uses the files that it downloaded.
 */
function carryOut(child: ChildProcess, { order, signal, answer, onProgress, onWarning }: FillOptions) {
  return new Promise<FillOutcome>((resolve, reject) => {
    let output = ''
    let failure: unknown
    const kill = (reason: unknown) => {
      failure ??= reason
      child.kill('SIGKILL')
    }
    const send = (message: ToFiller) => child.connected && child.send(message, () => {})
    const onAbort = () => kill(signal.reason)
    const onOutput = (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT_CHARACTERS)
    }
    const onMessage = (data: unknown) => {
      const { data: message } = FromFiller.safeParse(data)
      switch (message?.type) {
        case undefined:
          return kill(
            new TrainyardError('internal', 'the process that fills the dataset cache sent an unknown message'),
          )
        case 'ask':
          return void answer(message.path).then((json) => send({ type: 'answer', id: message.id, json }), kill)
        case 'progress':
          return onProgress(message.files, message.totalFiles)
        case 'warning':
          return onWarning(message.message)
        case 'done':
          return settle(() => resolve(message))
        case 'failed': {
          const { type, ...error } = message
          return settle(() => resolve({ type, error }))
        }
      }
    }
    const onClose = (code: number | null, endedBy: NodeJS.Signals | null) => {
      const detail = `${endedBy ?? `exit code ${code}`} ${output.trim()}`.trim()
      settle(() => (failure === undefined ? resolve({ type: 'died', detail }) : reject(failure)))
    }
    const settle = (finish: () => void) => {
      signal.removeEventListener('abort', onAbort)
      child.off('message', onMessage).off('close', onClose)
      child.stderr?.off('data', onOutput)
      finish()
    }
    child.on('message', onMessage).on('close', onClose)
    child.stderr?.on('data', onOutput)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    send(order)
  })
}
