import type { DatasetVersionDiff } from '@trainyard/contract'
import type { DatasetDiff } from '@trainyard/datasets'
import type { CliIo } from '../../command-line/io.ts'
import { printTable } from '../../terminal/table.ts'
import { cleanText, formatCount } from '../../terminal/text.ts'

/** What two datasets on this machine, or two versions on a server, have in common. The lists of a server may be cut. */
type Differences = DatasetDiff | DatasetVersionDiff
type Counts = DatasetVersionDiff['counts']

/** Examples of each kind that are printed. `--json` has all. */
const EXAMPLES = 5

export function countsOf({ images, changes }: DatasetDiff): Counts {
  const { added, removed, renamed, moved, repainted } = images
  return {
    added: added.length,
    removed: removed.length,
    renamed: renamed.length,
    moved: moved.length,
    repainted: repainted.length,
    changed: changes.length,
  }
}

export function isSame({ classes, images, changes }: Differences): boolean {
  const { common: _, ...differences } = images
  return [...Object.values(classes), ...Object.values(differences), changes].every((list) => list.length === 0)
}

export function printDiff(diff: Differences, counts: Counts, io: CliIo): void {
  const { classes, images, objects, changes } = diff
  if (isSame(diff)) {
    io.stdout.write(`no difference in ${formatCount(images.common)} images\n`)
    return
  }
  printTable(io, [
    ['', 'added', 'removed', 'renamed', 'moved', 'other'],
    ['classes', classes.added.length, classes.removed.length, classes.renamed.length, '', ''],
    ['images', counts.added, counts.removed, counts.renamed, counts.moved, counts.repainted],
    ['objects', objects.added, objects.removed, '', objects.moved, objects.reclassified],
  ])
  io.stdout.write('images moved to another split; other: images with other pixels, objects with another class\n')
  const list = (title: string, lines: readonly string[], count = lines.length) => {
    if (lines.length === 0) return
    io.stdout.write(`\n${title}\n`)
    for (const line of lines.slice(0, EXAMPLES)) io.stdout.write(`    ${cleanText(line).replaceAll('\n', ' ')}\n`)
    if (count > EXAMPLES) io.stdout.write(`    and ${formatCount(count - EXAMPLES)} more\n`)
  }
  list('classes added', classes.added)
  list('classes removed', classes.removed)
  list(
    'classes renamed',
    classes.renamed.map(({ from, to, objects: count }) => `${from} -> ${to} (${formatCount(count)} objects)`),
  )
  list('images added', images.added, counts.added)
  list('images removed', images.removed, counts.removed)
  list(
    'images renamed',
    images.renamed.map(({ from, to }) => `${from} -> ${to}`),
    counts.renamed,
  )
  list(
    'images moved to another split',
    images.moved.map(({ path, from, to }) => `${path}: ${from ?? 'no split'} -> ${to ?? 'no split'}`),
    counts.moved,
  )
  list('images with other pixels', images.repainted, counts.repainted)
  list('images with other objects', changes.map(describeChange), counts.changed)
}

function describeChange({ path, added, removed, moved, reclassified }: Differences['changes'][number]): string {
  const parts = [
    ...added.map(({ className }) => `+ ${className}`),
    ...removed.map(({ className }) => `- ${className}`),
    ...moved.map(({ className, iou }) => `${className} moved, IoU ${iou.toFixed(3)}`),
    ...reclassified.map(({ from, to }) => `${from} -> ${to}`),
  ]
  return `${path}: ${parts.slice(0, 4).join(', ')}${parts.length > 4 ? `, and ${parts.length - 4} more` : ''}`
}
