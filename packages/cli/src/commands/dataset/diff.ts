import type { DatasetFormat, TaskType } from '@trainyard/contract'
import { type DatasetDiff, diffDatasets } from '@trainyard/datasets'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { imageProgress } from '../../terminal/progress.ts'
import { printJson, printTable } from '../../terminal/table.ts'
import { cleanText, formatCount } from '../../terminal/text.ts'
import { readSource } from './read-source.ts'

interface DiffInput {
  before: string
  after: string
  from: DatasetFormat | undefined
  task: TaskType | undefined
  vocOneBased: boolean
  followLinks: string | undefined
  noPixels: boolean
  minOverlap: number | undefined
  json: boolean
}

/** Examples of each kind that are printed. `--json` has all. */
const EXAMPLES = 5

export async function run(input: DiffInput, io: CliIo): Promise<number> {
  const { before, after, noPixels, minOverlap, json } = input
  const progress = imageProgress(io.stderr, 'Comparing', json)
  const diff = await readSource({ ...input, source: before }, io, (old, signal) =>
    readSource({ ...input, source: after }, io, (fresh) =>
      diffDatasets(old, fresh, {
        pixels: !noPixels,
        minOverlap,
        onProgress: ({ images }) => progress.update(images),
        signal,
      }),
    ),
  ).finally(progress.end)
  if (json) printJson(io, diff)
  else printDiff(diff, io)
  return isSame(diff) ? EXIT_CODES.ok : EXIT_CODES.negative
}

function isSame({ classes, images, changes }: DatasetDiff): boolean {
  const { common: _, ...differences } = images
  return [...Object.values(classes), ...Object.values(differences), changes].every((list) => list.length === 0)
}

function printDiff(diff: DatasetDiff, io: CliIo): void {
  const { classes, images, objects, changes } = diff
  if (isSame(diff)) {
    io.stdout.write(`no difference in ${formatCount(images.common)} images\n`)
    return
  }
  printTable(io, [
    ['', 'added', 'removed', 'renamed', 'moved', 'other'],
    ['classes', classes.added.length, classes.removed.length, classes.renamed.length, '', ''],
    [
      'images',
      images.added.length,
      images.removed.length,
      images.renamed.length,
      images.moved.length,
      images.repainted.length,
    ],
    ['objects', objects.added, objects.removed, '', objects.moved, objects.reclassified],
  ])
  io.stdout.write('images moved to another split; other: images with other pixels, objects with another class\n')
  const list = (title: string, lines: readonly string[]) => {
    if (lines.length === 0) return
    io.stdout.write(`\n${title}\n`)
    for (const line of lines.slice(0, EXAMPLES)) io.stdout.write(`    ${cleanText(line).replaceAll('\n', ' ')}\n`)
    if (lines.length > EXAMPLES) io.stdout.write(`    and ${formatCount(lines.length - EXAMPLES)} more\n`)
  }
  list('classes added', classes.added)
  list('classes removed', classes.removed)
  list(
    'classes renamed',
    classes.renamed.map(({ from, to, objects: count }) => `${from} -> ${to} (${formatCount(count)} objects)`),
  )
  list('images added', images.added)
  list('images removed', images.removed)
  list(
    'images renamed',
    images.renamed.map(({ from, to }) => `${from} -> ${to}`),
  )
  list(
    'images moved to another split',
    images.moved.map(({ path, from, to }) => `${path}: ${from ?? 'no split'} -> ${to ?? 'no split'}`),
  )
  list('images with other pixels', images.repainted)
  list('images with other objects', changes.map(describeChange))
}

function describeChange({ path, added, removed, moved, reclassified }: DatasetDiff['changes'][number]): string {
  const parts = [
    ...added.map(({ className }) => `+ ${className}`),
    ...removed.map(({ className }) => `- ${className}`),
    ...moved.map(({ className, iou }) => `${className} moved, IoU ${iou.toFixed(3)}`),
    ...reclassified.map(({ from, to }) => `${from} -> ${to}`),
  ]
  return `${path}: ${parts.slice(0, 4).join(', ')}${parts.length > 4 ? `, and ${parts.length - 4} more` : ''}`
}
