import { formatBytes } from '@trainyard/contract/format'
import type { CachedDataset } from '@trainyard/datasets/cache'
import type { CliIo } from '../../command-line/io.ts'
import { createPaint } from '../../terminal/paint.ts'
import { formatTime, plural } from '../../terminal/text.ts'

/** One line about a cached dataset. */
export function formatDataset(dataset: CachedDataset, io: CliIo): string {
  const { versionHash, sizeBytes, fileCount, lastUsedAt, users, state, conversion } = dataset
  const notes: string[] = []
  if (conversion) notes.push(`${conversion.of.slice(0, 12)} as ${conversion.format} for ${conversion.taskType}`)
  if (state === 'incomplete') notes.push('incomplete')
  if (users > 0) notes.push(`in use by ${users}`)
  const columns = [
    versionHash.slice(0, 12),
    formatBytes(sizeBytes).padStart(7),
    plural(fileCount, 'file'),
    `used ${formatTime(lastUsedAt.toISOString())}`,
  ]
  if (notes.length > 0) columns.push(createPaint(io.stdout, io.env)('yellow', notes.join(', ')))
  return columns.join('  ')
}
