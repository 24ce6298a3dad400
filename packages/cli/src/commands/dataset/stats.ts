import { type Bin, type DatasetStatistics, describeDataset } from '@trainyard/datasets'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { imageProgress } from '../../terminal/progress.ts'
import { printJson, printTable } from '../../terminal/table.ts'
import { findFolder, printDatasetReport } from './print-report.ts'
import { readSource, type SourceInput } from './read-source.ts'

interface StatsInput extends SourceInput {
  duplicates: boolean
  noPixels: boolean
}

const BAR = 32

export async function run(input: StatsInput, io: CliIo): Promise<number> {
  const { duplicates, noPixels, json } = input
  const progress = imageProgress(io.stderr, 'Counting', json)
  const description = await readSource(input, io, async (reader, signal, dir) =>
    describeDataset(reader, {
      dir: await findFolder(dir),
      pixels: !noPixels,
      duplicates,
      onProgress: ({ images }) => progress.update(images),
      signal,
    }),
  ).finally(progress.end)
  if (json) printJson(io, description)
  else printDatasetReport(description, io, () => printStatistics(description.statistics, io))
  return EXIT_CODES.ok
}

function printStatistics({ objectsPerImage, imageSizes, boxSides, boxAspects }: DatasetStatistics, io: CliIo): void {
  printBars(io, ['objects on an image', 'images'], objectsPerImage, countRange)
  if (imageSizes.length > 0) {
    io.stdout.write('\n')
    const rows = imageSizes.map(({ width, height, images }) => [`${width} x ${height}`, images])
    printTable(io, [['size of images', 'images'], ...rows])
  }
  printBars(io, ['side of boxes, of the image', 'boxes'], boxSides, percentRange)
  printBars(io, ['width / height of boxes', 'boxes'], boxAspects, numberRange)
}

/** A table with a bar for each part. Empty parts at both ends are left out, and the table when all are empty. */
function printBars(io: CliIo, header: [string, string], bins: readonly Bin[], label: (bin: Bin) => string): void {
  const first = bins.findIndex(({ count }) => count > 0)
  if (first === -1) return
  const shown = bins.slice(first, bins.findLastIndex(({ count }) => count > 0) + 1)
  const most = Math.max(...shown.map(({ count }) => count))
  io.stdout.write('\n')
  const rows = shown.map((bin) => [label(bin), bin.count, '#'.repeat(Math.ceil((bin.count / most) * BAR))])
  printTable(io, [[...header, ''], ...rows])
}

function countRange({ from, to }: Bin): string {
  if (to === from + 1) return String(from)
  return Number.isFinite(to) ? `${from} to ${to - 1}` : `${from} and more`
}

function percentRange({ from, to }: Bin): string {
  const percent = (share: number) => Math.round(share * 100)
  return Number.isFinite(to) ? `${percent(from)} to ${percent(to)} %` : `from ${percent(from)} %`
}

function numberRange({ from, to }: Bin): string {
  const text = (value: number) => String(Number(value.toFixed(2)))
  return Number.isFinite(to) ? `${text(from)} to ${text(to)}` : `from ${text(from)}`
}
