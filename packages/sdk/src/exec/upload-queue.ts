import { join } from 'node:path'
import { type CopyFileSystem, copyFileSystem } from './copy-file-system.ts'
import { type OpenedSource, openSource } from './take-copy.ts'

export interface UploadTask {
  /** A waiting task is replaced by a newer one with the same key. */
  key: string
  /** Absolute path. */
  file: string
  /** Receives the path of a copy of the file. */
  upload(copy: string): Promise<{ id: string }>
  /** Called when the copy exists, and with how its upload ended. */
  onState(state: UploadState): void
}

export type UploadState =
  | { state: 'copied' | 'replaced' }
  | { state: 'uploaded'; artifactId: string }
  | { state: 'failed'; error: Error }

export interface UploadQueueOptions {
  /** Holds the copies. Removed when the queue has been drained. */
  dir: string
  /** Default: the real one. */
  fileSystem?: CopyFileSystem | undefined
}

export interface UploadQueue {
  add(task: UploadTask): void
  /** Resolves when the queue is empty, with the failures that no later upload of the same key has replaced. */
  drain(): Promise<Error[]>
}

/**
 * Uploads the files that a program names, one after the other, while the program runs. Each file is opened and copied at once,
 * because the program may delete or overwrite it.
 */
export function createUploadQueue({ dir, fileSystem = copyFileSystem }: UploadQueueOptions): UploadQueue {
  const latest = new Map<string, number>()
  const failures = new Map<string, Error>()
  let count = 0
  let uploads: Promise<void> = Promise.resolve()

  function fail(task: UploadTask, cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause))
    failures.set(task.key, error)
    task.onState({ state: 'failed', error })
  }

  async function takeCopy(task: UploadTask, source: OpenedSource, number: number): Promise<string | undefined> {
    try {
      const copy = await source.copyTo(join(dir, String(number)))
      task.onState({ state: 'copied' })
      return copy
    } catch (error) {
      fail(task, unreadable(task, error))
      return undefined
    }
  }

  async function send(task: UploadTask, copying: Promise<string | undefined>, number: number): Promise<void> {
    const copy = await copying
    if (copy !== undefined) {
      try {
        if (latest.get(task.key) === number) {
          const { id } = await task.upload(copy)
          failures.delete(task.key)
          task.onState({ state: 'uploaded', artifactId: id })
        } else task.onState({ state: 'replaced' })
      } catch (error) {
        fail(task, error)
      }
    }
    await fileSystem.rm(join(dir, String(number)), { recursive: true, force: true }).catch(() => {})
  }

  return {
    add(task) {
      const number = ++count
      latest.set(task.key, number)
      let source: OpenedSource
      try {
        source = openSource(task.file, fileSystem)
      } catch (error) {
        fail(task, unreadable(task, error))
        return
      }
      const copying = takeCopy(task, source, number)
      uploads = uploads.then(() => send(task, copying, number))
    },
    async drain() {
      let seen: Promise<void> | undefined
      while (seen !== uploads) {
        seen = uploads
        await seen
      }
      // What could not be removed at its time.
      await fileSystem.rm(dir, { recursive: true, force: true }).catch(() => {})
      return [...failures.values()]
    },
  }
}

/** What a person can do, by the code of the disk's error. */
const HELP: Readonly<Record<string, string>> = {
  EDQUOT: 'the quota of disk space is used up: delete files that are not needed, or ask the operator for more space',
  EIO: 'the disk reports errors: run the job on another machine or disk',
  EMFILE: 'the process has too many open files: close files, or raise the limit (ulimit -n)',
  ENOSPC: 'the disk of the work folder is full: delete files that are not needed, or ask the operator for more space',
}

function unreadable({ file }: UploadTask, error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const help = HELP[code] === undefined ? '' : `; ${HELP[code]}`
  return new Error(`"${file}" cannot be uploaded: ${why.replace(/, \w+ '.*'$/, '')}${help}`, { cause: error })
}
