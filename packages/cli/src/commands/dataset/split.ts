import { resolve } from 'node:path'
import { type DatasetFormat, SplitName } from '@trainyard/contract'
import { type GroupBy, type SplitRatios, type SplitResult, splitDataset } from '@trainyard/datasets'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { createPaint } from '../../terminal/paint.ts'
import { printClasses, printJson, printTable } from '../../terminal/table.ts'
import { cleanText, formatCount } from '../../terminal/text.ts'
import { convertAndPrint } from './convert-and-print.ts'
import { readSource, type SourceInput } from './read-source.ts'

interface SplitInput extends SourceInput {
  target: string | undefined
  ratios: SplitRatios | undefined
  reassign: boolean
  stratify: boolean
  groupBy: GroupBy | undefined
  seed: string | undefined
  to: DatasetFormat | undefined
}

export async function run(input: SplitInput, io: CliIo): Promise<number> {
  const { source, target, to, from, task, vocOneBased, json, ratios, groupBy, stratify, seed, reassign } = input
  if (to !== undefined && target === undefined) throw new UsageError('--to requires the argument DST')
  const { result, format } = await readSource(input, io, async (reader, signal) => ({
    result: await splitDataset(reader, { ratios, groupBy, stratify, seed, keep: !reassign, signal }),
    format: reader.format,
  }))
  if (!json) printResult(result, io)
  if (target === undefined) {
    if (json) printJson(io, { ...result, splits: Object.fromEntries(result.splits) })
    return EXIT_CODES.ok
  }
  if (!json) io.stdout.write('\n')
  const paths = { source: resolve(io.cwd, source), target: resolve(io.cwd, target) }
  const options = { ...paths, to: to ?? format, splits: result.splits }
  return convertAndPrint({ ...options, from, task, vocOneBased }, io, { json })
}

function printResult({ images, kept, assigned, classes, warnings }: SplitResult, io: CliIo): void {
  const paint = createPaint(io.stdout, io.env)
  io.stdout.write(`${formatCount(kept)} images keep their split, ${formatCount(assigned)} get one\n\n`)
  const total = images.train + images.val + images.test
  const share = (count: number) => (total === 0 ? '' : `${((count / total) * 100).toFixed(1)} %`)
  printTable(io, [
    ['split', 'images', 'share'],
    ...SplitName.options.map((split) => [split, images[split], share(images[split])]),
  ])
  io.stdout.write('\n')
  printClasses(io, ['class', 'name', 'train', 'val', 'test'], classes, (item) => [
    item.id,
    item.name,
    item.images.train,
    item.images.val,
    item.images.test,
  ])
  for (const warning of warnings) io.stdout.write(`${paint('yellow', 'warning')}: ${cleanText(warning)}\n`)
}
