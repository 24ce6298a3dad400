import type { Stats } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import type { ArtifactKind } from '@trainyard/contract'
import { CheckpointError, ResourceError, ValidationError } from '@trainyard/contract/trainer-errors'
import { reasonOf } from './file-state.ts'

/**
 * Checks what a call wants to upload, before anything is sent. Throws `ResourceError` for a file that cannot be read,
 * `ValidationError` for something that is neither a file nor a folder, and `CheckpointError` for a checkpoint without bytes.
 */
export async function inspectFile(call: string, kind: ArtifactKind, file: string): Promise<{ isFolder: boolean }> {
  let stats: Stats
  try {
    stats = await stat(file)
  } catch (error) {
    throw new ResourceError(`${call}: "${file}" cannot be read: ${reasonOf(error)}`, { cause: error })
  }
  const isFolder = stats.isDirectory()
  // Reading a pipe would wait forever.
  if (!isFolder && !stats.isFile()) throw new ValidationError(`${call}: "${file}" is neither a file nor a folder`)
  const isEmpty = isFolder ? (await readdir(file)).length === 0 : stats.size === 0
  if (kind === 'checkpoint' && isEmpty) {
    throw new CheckpointError(`${call}: "${file}" is empty; expected a checkpoint with at least 1 byte`)
  }
  return { isFolder }
}
