import { formatBytes } from '@trainyard/contract/format'
import { pruneCache } from '@trainyard/datasets/cache'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { printJson } from '../../terminal/table.ts'
import { plural } from '../../terminal/text.ts'
import { findCache } from './find-cache.ts'
import { formatDataset } from './format-dataset.ts'

interface PruneInput {
  dir: string | undefined
  max: number | undefined
  dryRun: boolean
  json: boolean
}

export async function run({ dir, max, dryRun, json }: PruneInput, io: CliIo): Promise<number> {
  const cacheDir = findCache(dir, io)
  const maxBytes = (max ?? readLimit(io)) * 1e9
  const { removed, keptBytes } = await pruneCache({ cacheDir, maxBytes, dryRun })
  if (json) {
    printJson(io, { cacheDir, dryRun, removed, keptBytes })
    return EXIT_CODES.ok
  }
  const verb = dryRun ? 'would be removed' : 'removed'
  for (const dataset of removed) io.stdout.write(`${verb}  ${formatDataset(dataset, io)}\n`)
  const bytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  io.stdout.write(
    `${plural(removed.length, 'dataset')} ${verb}, ${formatBytes(bytes)}; ${formatBytes(keptBytes)} kept\n`,
  )
  if (keptBytes > maxBytes) io.stdout.write('The cache exceeds its limit, because the rest is in use.\n')
  return EXIT_CODES.ok
}

/** The limit of the environment, in GB. */
function readLimit({ env }: CliIo): number {
  const text = env.DATASET_CACHE_MAX_GB
  if (!text) throw new UsageError('no limit: use --max GB, or set DATASET_CACHE_MAX_GB')
  const limit = Number(text)
  if (limit >= 0) return limit
  throw new UsageError(`DATASET_CACHE_MAX_GB is "${text}": expected a number of at least 0`)
}
