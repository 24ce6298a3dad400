import { randomUUID } from 'node:crypto'
import { chmod, chown, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { processIdentity } from '@trainyard/platform'
import type { AttemptFiles } from './spec.ts'

/** Whether the process is the one that was started for the attempt. Pids are reused, so its start time is compared too. */
export async function isOurProcess(files: AttemptFiles, pid: number): Promise<boolean> {
  const identity = await processIdentity(pid)
  if (identity === undefined) return false
  const file = `${files.identityPrefix}${pid}`
  const stored = await readText(file)
  if (stored !== undefined) return stored.trim() === identity
  // The runner died between starting the shim and storing its identity.
  await writeAtomically(file, identity)
  return true
}

export async function readPid(file: string): Promise<number | undefined> {
  const pid = Number(await readText(file))
  return Number.isInteger(pid) && pid > 1 ? pid : undefined
}

/** Undefined: the file does not exist. */
export async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * Readers see the old or the new content, never a part of it. Does nothing if the folder was removed in the meantime. With an
 * `id`, the group of that number can read it, and other users cannot.
 */
export async function writeAtomically(file: string, text: string, id?: number | undefined): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  try {
    await writeFile(temporary, text, { mode: id === undefined ? 0o600 : 0o640 })
    if (id !== undefined) await chown(temporary, 0, id)
    await rename(temporary, file)
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
  }
}

/** Removes a folder, also if the trainer made its own folders unwritable. */
export async function removeFolder(dir: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }
  try {
    await rm(dir, options)
  } catch (error) {
    if (!isCode(error, 'EACCES') && !isCode(error, 'EPERM')) throw error
    await makeWritable(dir)
    await rm(dir, options)
  }
}

async function makeWritable(dir: string): Promise<void> {
  await chmod(dir, 0o700)
  for (const entry of await readdir(dir, { withFileTypes: true }))
    if (entry.isDirectory()) await makeWritable(join(dir, entry.name))
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
