import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

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
      const digest = await digestOf(file, signal)
      if (digest !== undefined) byDigest.set(digest, [...(byDigest.get(digest) ?? []), path])
    }
    for (const paths of byDigest.values()) {
      const [first] = paths.sort()
      if (first !== undefined && paths.length > 1) for (const path of paths) firstOf.set(path, first)
    }
  }
  return firstOf
}

async function digestOf(file: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(file), hash, { signal })
    return hash.digest('base64')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code !== 'ABORT_ERR') return undefined
    throw error
  }
}
