import { readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
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
import { KeptSplits } from './kept-splits.ts'
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
  noRecord: boolean
  exact: boolean
  to: TargetFormat | undefined
}

export async function run(input: SplitInput, io: CliIo): Promise<number> {
  const { source, target, to, from, task, vocOneBased, json } = input
  const { ratios, groupBy, stratify, seed, previous, lookAlikes, reassign, noRecord, exact } = input
  if (to !== undefined && target === undefined) throw new UsageError('--to requires the argument DST')
  const paths = { source: resolve(io.cwd, source), target: resolve(io.cwd, target ?? source) }
  // The text of an expression: as JSON, every one is {}.
  const key = groupBy instanceof RegExp ? String(groupBy) : groupBy
  const choices = { ratios, groupBy: key, stratify, seed, lookAlikes, reassign, exact }
  const record = noRecord ? undefined : await KeptSplits.read(paths.target, choices)
  // What was shown for SRC is written to DST.
  const shown = noRecord || record?.splits !== undefined ? record : await KeptSplits.read(paths.source, choices)
  const known = previous === undefined ? shown?.splits : await readSplits(io, previous)
  const { result, format } = await readSource(input, io, async (reader, signal) => ({
    result: await splitDataset(reader, {
      ratios,
      groupBy,
      stratify,
      seed,
      previous: known,
      lookAlikes,
      keep: !reassign,
      exactBelow: exact ? Number.POSITIVE_INFINITY : undefined,
      signal,
    }),
    format: reader.format,
  }))
  if (previous === undefined && known !== undefined && ![...result.splits.keys()].some((path) => known.has(path)))
    io.stderr.write(`warning: ${shown?.file} names none of these images: is it the record of another dataset?\n`)
  if (!json) printResult(result, io)
  if (target === undefined) {
    const file = await recordSplits(record, result, io)
    if (json) printJson(io, { ...result, record: file, splits: Object.fromEntries(result.splits) })
    else printRecord(file, result, io)
    return EXIT_CODES.ok
  }
  if (!json) io.stdout.write('\n')
  const options = { ...paths, to: targetFormat(to, format), splits: result.splits }
  const followLinks = linkRoot(input.followLinks, io)
  const code = await convertAndPrint({ ...options, from, task, vocOneBased, followLinks }, io, { json })
  if (code !== EXIT_CODES.ok) return code
  const file = await recordSplits(record, result, io)
  if (!json) printRecord(file, result, io)
  return code
}

/** The file of the record. Undefined where it cannot be written, with a warning: the splits are valid without it. */
async function recordSplits(
  record: KeptSplits | undefined,
  { splits }: SplitResult,
  io: CliIo,
): Promise<string | undefined> {
  try {
    await record?.write(splits)
    return record?.file
  } catch (error) {
    io.stderr.write(
      `warning: the splits cannot be recorded in ${record?.file} (${error instanceof Error ? error.message : error}); use --json and --previous to keep them\n`,
    )
    return undefined
  }
}

function printRecord(file: string | undefined, { isExact }: SplitResult, io: CliIo): void {
  const note = `${createPaint(io.stdout, io.env)('dim', 'note')}: `
  if (file !== undefined)
    io.stdout.write(
      `${note}recorded in ${relative(io.cwd, file)}; the next run with the same options moves none of these images\n`,
    )
  else if (isExact)
    io.stdout.write(
      `${note}the ratios are met exactly, and images that are added can move others; a record, the folder DST and --previous keep them\n`,
    )
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
