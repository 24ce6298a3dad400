import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { SplitName, type TargetFormat } from '@trainyard/contract'
import { type GroupBy, type SplitRatios, type SplitResult, splitDataset } from '@trainyard/datasets'
import { z } from 'zod'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { createPaint } from '../../terminal/paint.ts'
import { printClasses, printJson, printTable } from '../../terminal/table.ts'
import { cleanText, formatCount } from '../../terminal/text.ts'
import { convertAndPrint } from './convert-and-print.ts'
import { findKeptSplits, keepSplits } from './kept-splits.ts'
import { linkRoot, readSource, type SourceInput } from './read-source.ts'
import { targetFormat } from './target-format.ts'

interface SplitInput extends SourceInput {
  target: string | undefined
  ratios: SplitRatios | undefined
  reassign: boolean
  stratify: boolean
  groupBy: GroupBy | undefined
  seed: string | undefined
  previous: string | undefined
  lookAlikes: boolean
  to: TargetFormat | undefined
}

export async function run(input: SplitInput, io: CliIo): Promise<number> {
  const { source, target, to, from, task, vocOneBased, json } = input
  const { ratios, groupBy, stratify, seed, previous, lookAlikes, reassign } = input
  if (to !== undefined && target === undefined) throw new UsageError('--to requires the argument DST')
  const folder = target === undefined ? undefined : resolve(io.cwd, target)
  const choices = { ratios, groupBy, stratify, seed, lookAlikes, reassign }
  const own = folder === undefined ? undefined : await findKeptSplits(folder, choices)
  const known = previous === undefined ? own : await readSplits(io, previous)
  const { result, format } = await readSource(input, io, async (reader, signal) => ({
    result: await splitDataset(reader, {
      ratios,
      groupBy,
      stratify,
      seed,
      previous: known,
      lookAlikes,
      keep: !reassign,
      signal,
    }),
    format: reader.format,
  }))
  if (!json) printResult(result, io)
  if (target === undefined) {
    if (json) printJson(io, { ...result, splits: Object.fromEntries(result.splits) })
    return EXIT_CODES.ok
  }
  if (!json) io.stdout.write('\n')
  const paths = { source: resolve(io.cwd, source), target: resolve(io.cwd, target) }
  const options = { ...paths, to: targetFormat(to, format), splits: result.splits }
  const followLinks = linkRoot(input.followLinks, io)
  const code = await convertAndPrint({ ...options, from, task, vocOneBased, followLinks }, io, { json })
  if (code === EXIT_CODES.ok) await keepSplits(paths.target, choices, result.splits)
  return code
}

/** What `split --json` printed. */
const SplitsFile = z.looseObject({ splits: z.record(z.string(), SplitName) })

async function readSplits(io: CliIo, file: string): Promise<Map<string, SplitName>> {
  const expected = 'expected the JSON that trainyard dataset split --json prints'
  let value: unknown
  try {
    value = JSON.parse(await readFile(resolve(io.cwd, file), 'utf8'))
  } catch (error) {
    throw new UsageError(
      `--previous ${file} cannot be read: ${error instanceof Error ? error.message : error}; ${expected}`,
    )
  }
  const parsed = SplitsFile.safeParse(value)
  if (!parsed.success) throw new UsageError(`--previous ${file} holds no splits; ${expected}`)
  return new Map(Object.entries(parsed.data.splits))
}

function printResult({ images, kept, assigned, classes, isExact, warnings }: SplitResult, io: CliIo): void {
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
  if (isExact)
    io.stdout.write(
      `${paint('dim', 'note')}: with fewer than 1,000 images the ratios are met exactly, and new images can move others; the folder DST and --previous keep them\n`,
    )
  for (const warning of warnings) io.stdout.write(`${paint('yellow', 'warning')}: ${cleanText(warning)}\n`)
}
