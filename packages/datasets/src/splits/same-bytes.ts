import { stat } from 'node:fs/promises'
import { hashFile } from '../transfer/hash-file.ts'

/**
 * Finds files with the same bytes. Only files of one size are read. Returns the first path, in order, of each file that has
 * an equal one; files that cannot be read are left out.
 */
export async function findSameBytes(
  files: readonly { path: string; file: string }[],
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const bySize = new Map<number, { path: string; file: string }[]>()
  for (const entry of files) {
    signal?.throwIfAborted()
    const size = await stat(entry.file).then(
      (stats) => stats.size,
      () => -1,
    )
    if (size <= 0) continue
    const same = bySize.get(size)
    if (same === undefined) bySize.set(size, [entry])
    else same.push(entry)
  }
  const firstOf = new Map<string, string>()
  for (const candidates of bySize.values()) {
    if (candidates.length < 2) continue
    const byDigest = new Map<string, string[]>()
    for (const { path, file } of candidates) {
      signal?.throwIfAborted()
      const digest = await digestOf(file)
      if (digest !== undefined) byDigest.set(digest, [...(byDigest.get(digest) ?? []), path])
    }
    for (const paths of byDigest.values()) {
      const [first] = paths.sort()
      if (first !== undefined && paths.length > 1) for (const path of paths) firstOf.set(path, first)
    }
  }
  return firstOf
}

/** Undefined for a file that cannot be read. */
async function digestOf(file: string): Promise<string | undefined> {
  try {
    return await hashFile(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}
