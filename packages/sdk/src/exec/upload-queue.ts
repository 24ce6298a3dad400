import { constants } from 'node:fs'
import { copyFile, cp, mkdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'

export interface UploadTask {
  /** A waiting task is replaced by a newer one with the same key. */
  key: string
  /** Absolute path. */
  file: string
  /** Receives the path of a copy of the file. */
  upload(copy: string): Promise<unknown>
}

export interface UploadQueue {
  add(task: UploadTask): void
  /** Resolves when the queue is empty, with the failures that no later upload of the same key has replaced. */
  drain(): Promise<Error[]>
}

/**
 * Uploads the files that a program names, one after the other, while the program runs. Each file is copied at once, because the
 * program may overwrite it.
 */
export function createUploadQueue(options: {
  dir: string
  /** Called when a file cannot be copied. */
  onUnreadable: (task: UploadTask, error: Error) => void
}): UploadQueue {
  const { dir, onUnreadable } = options
  const latest = new Map<string, number>()
  const failures = new Map<string, Error>()
  let count = 0
  let uploads: Promise<void> = Promise.resolve()

  async function takeCopy(task: UploadTask, number: number): Promise<string | undefined> {
    const folder = join(dir, String(number))
    const target = join(folder, basename(task.file))
    try {
      const stats = await stat(task.file)
      await mkdir(folder, { recursive: true })
      if (stats.isDirectory()) await cp(task.file, target, { recursive: true })
      else await copyFile(task.file, target, constants.COPYFILE_FICLONE)
      return target
    } catch (error) {
      onUnreadable(task, error instanceof Error ? error : new Error(String(error)))
      return undefined
    }
  }

  return {
    add(task) {
      const number = ++count
      latest.set(task.key, number)
      const copying = takeCopy(task, number)
      uploads = uploads.then(async () => {
        const copy = await copying
        try {
          if (copy === undefined || latest.get(task.key) !== number) return
          await task.upload(copy)
          failures.delete(task.key)
        } catch (error) {
          failures.set(task.key, error instanceof Error ? error : new Error(String(error)))
        } finally {
          await rm(join(dir, String(number)), { recursive: true, force: true }).catch(() => {})
        }
      })
    },
    async drain() {
      let seen: Promise<void> | undefined
      while (seen !== uploads) {
        seen = uploads
        await seen
      }
      return [...failures.values()]
    },
  }
}
