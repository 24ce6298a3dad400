import { resolve } from 'node:path'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'

/** The folder of the cache, absolute. */
export function findCache(dir: string | undefined, { cwd, env }: CliIo): string {
  const found = dir ?? env.DATASET_CACHE_DIR
  if (!found) throw new UsageError('no cache: use --dir DIR, or set DATASET_CACHE_DIR')
  return resolve(cwd, found)
}
