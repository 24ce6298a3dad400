import { type ChildProcess, fork } from 'node:child_process'
import { ownExecArgv, pickEnvironment, programBeside, TrainyardError } from '@trainyard/platform'
import type { FillError } from '../db/schema/cache-fills.ts'
import { createGate } from '../gate.ts'
import { type FillOrder, FromFiller, type ToFiller } from './messages.ts'

export interface FillOptions {
  order: FillOrder
  signal: AbortSignal
  /** Answers a GET of the contract below `/dataset`. What it throws ends the fill, and is thrown. */
  answer: (path: string) => Promise<unknown>
  onProgress: (files: number, totalFiles: number) => void
  onWarning: (message: string) => void
}

/** `died`: the process did, and said nothing; its last words are in `detail`. */
export type FillOutcome =
  | { type: 'done'; key: string }
  | { type: 'failed'; error: FillError }
  | { type: 'died'; detail: string }

/** Processes that fill the dataset cache, each one order at a time. */
export interface Fillers {
  /** An abort ends the process and throws the signal's reason. */
  fill(options: FillOptions): Promise<FillOutcome>
  /** Ends those that wait for work. */
  close(): void
}

/** Each has 32 downloads under way, or a core busy with a conversion. */
const FILLS_AT_ONCE = 2
/** Of the environment, what a program needs to run and to reach the object store. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'NODE_COMPILE_CACHE'] as const
/** A dataset that needs more must not take the machine's memory with it. */
const MAX_HEAP_MB = 4096
/** How long a process waits for more work: several jobs, and several formats of one, often come together. */
const IDLE_MS = 10_000

export function createFillers(cacheDir: string): Fillers {
  const gate = createGate(FILLS_AT_ONCE)
  const idle = new Map<ChildProcess, NodeJS.Timeout>()
  let isClosed = false

  const start = (): ChildProcess => {
    const program = programBeside(import.meta.url, 'fill-program')
    // The argument is for people who look at the processes of their machine.
    const child = fork(program, [cacheDir], {
      execArgv: [`--max-old-space-size=${MAX_HEAP_MB}`, ...ownExecArgv(program)],
      env: pickEnvironment(PASSED_ON),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    child.on('error', () => {})
    child.once('close', () => forget(child))
    child.stderr?.setEncoding('utf8')
    return child
  }
  const forget = (child: ChildProcess) => {
    clearTimeout(idle.get(child))
    idle.delete(child)
  }
  const rest = (child: ChildProcess) => {
    if (isClosed) return child.disconnect()
    child.unref()
    child.channel?.unref()
    idle.set(child, setTimeout(() => child.disconnect(), IDLE_MS).unref())
  }
  const take = (): ChildProcess => {
    const child = [...idle.keys()].find(({ connected }) => connected)
    if (child === undefined) return start()
    forget(child)
    child.ref()
    child.channel?.ref()
    return child
  }

  return {
    fill: (options) =>
      gate(async () => {
        options.signal.throwIfAborted()
        const child = take()
        const outcome = await carryOut(child, options)
        if (outcome.type !== 'died') rest(child)
        return outcome
      }),
    close() {
      isClosed = true
      for (const child of [...idle.keys()]) {
        forget(child)
        child.disconnect()
      }
    },
  }
}

/** One order. Whatever it throws, the process is gone: its lock is known to be nobody's, and what it fetched is used again. */
function carryOut(child: ChildProcess, { order, signal, answer, onProgress, onWarning }: FillOptions) {
  return new Promise<FillOutcome>((resolve, reject) => {
    let lastWords = ''
    let failure: unknown
    const end = (why: unknown) => {
      failure ??= why
      child.kill('SIGKILL')
    }
    const send = (message: ToFiller) => child.connected && child.send(message, () => {})
    const onAbort = () => end(signal.reason)
    const onWords = (text: string) => {
      lastWords = (lastWords + text).slice(-2000)
    }
    const onMessage = (data: unknown) => {
      const { data: message } = FromFiller.safeParse(data)
      switch (message?.type) {
        case undefined:
          return end(new TrainyardError('internal', 'the program that fills the dataset cache sent what is no message'))
        case 'ask':
          return void answer(message.path).then((json) => send({ type: 'answer', id: message.id, json }), end)
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
      const detail = `${endedBy ?? `exit code ${code}`} ${lastWords.trim()}`.trim()
      settle(() => (failure === undefined ? resolve({ type: 'died', detail }) : reject(failure)))
    }
    const settle = (how: () => void) => {
      signal.removeEventListener('abort', onAbort)
      child.off('message', onMessage).off('close', onClose)
      child.stderr?.off('data', onWords)
      how()
    }
    child.on('message', onMessage).on('close', onClose)
    child.stderr?.on('data', onWords)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    send(order)
  })
}
