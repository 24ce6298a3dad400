import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MANIFEST_FILE_NAME, TrainerManifest } from '@trainyard/contract'
import type { z } from 'zod'
import { InvalidTrainerError, NoManifestError, reasonOf } from '../errors.ts'

/** A parsed `trainer.json`. */
export interface ManifestFile {
  manifest: TrainerManifest
  /** The bytes of the file. */
  bytes: Uint8Array<ArrayBuffer>
}

/** Reads and checks `trainer.json`. Throws {@link InvalidTrainerError} that names every invalid field. */
export async function readManifest(dir: string): Promise<ManifestFile> {
  const file = join(dir, MANIFEST_FILE_NAME)
  const folder = await stat(dir).catch(() => undefined)
  if (!folder?.isDirectory()) throw new InvalidTrainerError(`${resolve(dir)} is not a folder`)
  let bytes: Buffer<ArrayBuffer>
  try {
    bytes = await readFile(file)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
      throw new NoManifestError(resolve(dir), { cause })
    throw new InvalidTrainerError(`${file} cannot be read: ${reasonOf(cause)}`, { cause })
  }
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw new InvalidTrainerError(`${file} is not JSON: ${reasonOf(cause)}`, { cause })
  }
  const parsed = TrainerManifest.safeParse(value)
  if (parsed.success) return { manifest: parsed.data, bytes }
  const lines = parsed.error.issues.map((issue) => `\n  ${describeIssue(issue, value)}`)
  throw new InvalidTrainerError(`${file} is not a valid trainer manifest:${lines.join('')}`, { cause: parsed.error })
}

function describeIssue(issue: z.core.$ZodIssue, value: unknown): string {
  let seen = value
  for (const key of issue.path)
    seen = typeof seen === 'object' && seen !== null ? (seen as Record<PropertyKey, unknown>)[key] : undefined
  const text = seen === undefined ? 'it is missing' : `got ${(JSON.stringify(seen) ?? String(seen)).slice(0, 200)}`
  return `${issue.path.join('.') || 'the file'}: ${issue.message} (${text})`
}
