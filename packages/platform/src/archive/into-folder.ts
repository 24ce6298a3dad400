import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { TrainyardError } from '../errors.ts'

/** Fills a new folder; it appears when everything is in it, and on failure nothing is left. */
export async function intoFolder<T>(targetDir: string, fill: (draft: string) => Promise<T>): Promise<T> {
  const target = resolve(targetDir)
  const draft = join(dirname(target), `.${basename(target)}.${randomUUID()}`)
  await mkdir(draft, { recursive: true })
  try {
    const result = await fill(draft)
    // rename() replaces an empty folder and refuses any other.
    await rename(draft, target).catch((error: unknown) => {
      throw new TrainyardError('conflict', `${basename(target)} exists already and is not empty`, { cause: error })
    })
    return result
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}
