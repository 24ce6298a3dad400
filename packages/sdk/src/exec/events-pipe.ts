import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, constants, openSync, statSync, writeSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createLineSplitter } from './split-lines.ts'

/** A named pipe: programs and all their child processes can open it by its path, also those that close inherited descriptors. */
export interface EventsPipe {
  path: string
  /** Resolves when everything that was written so far has been read. */
  drain(): Promise<void>
  close(): void
}

export interface EventsPipeOptions {
  path: string
  /** The program of the trainer, which may be an interpreter that can create the pipe. */
  program: string
  env: NodeJS.ProcessEnv
  onLine: (line: string, isCut: boolean) => void
  maxLength: number
}

/** Undefined: no program of this machine can create a named pipe. */
export async function openEventsPipe(options: EventsPipeOptions): Promise<EventsPipe | undefined> {
  const { path, onLine, maxLength } = options
  await rm(path, { force: true })
  if (!(await makePipe(options))) return undefined
  // Also for writing, so that the pipe does not end when a writer leaves. Without waiting for one.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  const marks = new Map<string, () => void>()
  const splitter = createLineSplitter({
    maxLength,
    onLine(line, isCut) {
      const reached = marks.get(line)
      if (reached === undefined) onLine(line, isCut)
      else reached()
    },
  })
  const socket = new Socket({ fd, readable: true, writable: false })
  socket.on('data', (chunk: Buffer) => splitter.push(chunk))
  socket.on('error', () => {})
  return {
    path,
    async drain() {
      const mark = randomUUID()
      const reached = new Promise<void>((resolve) => marks.set(mark, resolve))
      // The first line break ends what a killed process wrote of a line.
      if (await write(path, `\n${mark}\n`)) await reached
    },
    close() {
      socket.destroy()
      // What is left of a local run is a part of the trainer's folder, where a pipe is refused.
      rm(path, { force: true }).catch(() => {})
    },
  }
}

const PYTHON = ['-c', 'import os, sys; os.mkfifo(sys.argv[1])']

/** Node cannot create one. Minimal images can lack `mkfifo`, but have the interpreter of the trainer. */
async function makePipe({ path, program, env }: EventsPipeOptions): Promise<boolean> {
  const ways: [string, string[]][] = [
    ['mkfifo', [path]],
    ['/bin/mkfifo', [path]],
    ['busybox', ['mkfifo', path]],
    ['python3', [...PYTHON, path]],
    ['perl', ['-MPOSIX', '-e', 'POSIX::mkfifo($ARGV[0], 0666) or exit 1', path]],
  ]
  if (/(^|\/)python[\d.]*$/.test(program)) ways.unshift([program, [...PYTHON, path]])
  for (const [file, args] of ways) {
    try {
      await promisify(execFile)(file, args, { env, timeout: 20_000 })
      if (statSync(path).isFIFO()) return true
    } catch {
      // The next way.
    }
  }
  return false
}

/** False: the program has removed the pipe. */
async function write(path: string, text: string): Promise<boolean> {
  let fd: number
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    return false
  }
  try {
    for (;;) {
      try {
        // Short enough to be written whole or not at all.
        writeSync(fd, text)
        return true
      } catch (error) {
        const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN'
        if (!isFull) return false
        await sleep(5)
      }
    }
  } finally {
    closeSync(fd)
  }
}
