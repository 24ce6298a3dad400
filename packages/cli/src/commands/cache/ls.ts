import { formatBytes } from '@trainyard/contract/format'
import { listCache } from '@trainyard/datasets/cache'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { printJson } from '../../terminal/table.ts'
import { plural } from '../../terminal/text.ts'
import { findCache } from './find-cache.ts'
import { formatDataset } from './format-dataset.ts'

interface ListInput {
  dir: string | undefined
  json: boolean
}

export async function run({ dir, json }: ListInput, io: CliIo): Promise<number> {
  const cacheDir = findCache(dir, io)
  const datasets = await listCache(cacheDir)
  if (json) {
    printJson(io, { cacheDir, datasets })
    return EXIT_CODES.ok
  }
  for (const dataset of datasets) io.stdout.write(`${formatDataset(dataset, io)}\n`)
  const total = datasets.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  io.stdout.write(`${plural(datasets.length, 'dataset')}, ${formatBytes(total)} in ${cacheDir}\n`)
  return EXIT_CODES.ok
}
