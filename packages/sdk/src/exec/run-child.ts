import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanLine } from './clean-line.ts'
import type { ChildEnd } from './end-of-child.ts'
import type { EventsPipe } from './events-pipe.ts'
import { createLineSplitter, type LineSplitterOptions } from './split-lines.ts'

export interface RunChildOptions {
  program: string
  args: readonly string[]
  cwd: string
  env: NodeJS.ProcessEnv
  /** An abort sends SIGTERM, and SIGKILL after `graceMs`. */
  signal: AbortSignal
  graceMs: number
  onEvent: (line: string, isCut: boolean) => void
  /** For the events of programs that lose the descriptor. */
  events?: EventsPipe | undefined
  onOutput: (line: string, stream: 'stdout' | 'stderr') => void
}

/** The file descriptor to which the program writes its events. */
export const EVENTS_FD = 3
export const MAX_EVENT_LENGTH = 8 * 1024 * 1024
const MAX_OUTPUT_LENGTH = 16_384
/** Child processes that outlive the program may keep the pipes open forever. */
const DRAIN_MS = 2000

/** Runs the program to its end and passes on its events and output. */
export async function runChild(options: RunChildOptions): Promise<ChildEnd> {
  const { program, args, cwd, env, signal, graceMs } = options
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const readOutput = (stream: 'stdout' | 'stderr') =>
    readLines(child[stream], {
      maxLength: MAX_OUTPUT_LENGTH,
      isTerminal: true,
      onLine: (line) => options.onOutput(cleanLine(line), stream),
    })
  const readers = [
    readLines(child.stdio[EVENTS_FD], { maxLength: MAX_EVENT_LENGTH, onLine: options.onEvent }),
    readOutput('stdout'),
    readOutput('stderr'),
  ]
  const stop = stopOnAbort(child, signal, graceMs)
  try {
    const end = await endOf(child)
    if ('cannotStart' in end) return end
    if (options.events !== undefined) readers.push(options.events.drain())
    await Promise.race([Promise.all(readers), sleep(DRAIN_MS, undefined, { ref: false })])
    return end
  } finally {
    stop()
    for (const stream of child.stdio) stream?.destroy()
  }
}

function endOf(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve) => {
    child.once('error', (cannotStart) => resolve({ cannotStart }))
    child.once('exit', (code, signal) => resolve(signal === null ? { code: code ?? 0 } : { signal }))
  })
}

function stopOnAbort(child: ChildProcess, signal: AbortSignal, graceMs: number): () => void {
  let timer: NodeJS.Timeout | undefined
  const stop = () => {
    child.kill('SIGTERM')
    timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  return () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

function readLines(stream: ChildProcess['stdio'][number] | undefined, options: LineSplitterOptions): Promise<void> {
  const readable = stream as Readable | null
  if (readable === null) return Promise.resolve()
  return new Promise((resolve) => {
    const splitter = createLineSplitter(options)
    readable.on('data', (chunk: Buffer) => splitter.push(chunk))
    readable.once('end', () => splitter.end())
    readable.once('error', () => resolve())
    readable.once('close', () => resolve())
  })
}
