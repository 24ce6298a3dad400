import { parseArgs } from 'node:util'
import { SplitName } from '@trainyard/contract'
import { type GroupBy, type SplitRatios, type SplitResult, splitDataset } from '@trainyard/datasets'
import { defined } from '../../arguments.ts'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../../command.ts'
import { interruptible } from '../../interrupt.ts'
import { formatCount, printJson, printTable } from '../../table.ts'
import { cleanText, createPaint } from '../../terminal.ts'
import { COMMON_HELP, commonOptions, parseFormat, parsePlaces, parseTask } from './arguments.ts'
import { convertAndTell } from './convert.ts'
import { withSource } from './open-source.ts'

const help = `Usage: trainyard dataset split SRC [DST] [options]

Puts every image into train, val or test. Images that have a split keep it; the others go where the hash of their path
says, so that a new image moves no other. With DST the dataset is written there with these splits, else they are shown.

Options:
  --ratios T,V,T   Parts of train, val and test. Default 0.7,0.2,0.1
  --anew           Images lose the split that they have
  --stratify       Every class in the same ratios, also where an image shows several
  --group-by KEY   Keep images together: roboflow (copies of one picture), re:EXPRESSION on the path (its first bracket,
                   else all of it), or meta:FIELD of the image, such as meta:patient
  --seed TEXT      Another seed gives another split
  --to FORMAT      Format of DST. Default: that of SRC
${COMMON_HELP}

Exit codes: 0 done, 2 wrong usage, 3 failure.

Examples:
  trainyard dataset split ./flowers --stratify
  trainyard dataset split ./flowers ./flowers-split --ratios 0.8,0.1,0.1 --anew
  trainyard dataset split ./frames ./out --to yolo --group-by 're:^video(\\d+)_'
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...commonOptions,
      ratios: { type: 'string' },
      anew: { type: 'boolean' },
      stratify: { type: 'boolean' },
      'group-by': { type: 'string' },
      seed: { type: 'string' },
      to: { type: 'string' },
    },
  })
  const { source, target } = parsePlaces(positionals, io, 2)
  const to = parseFormat(values.to, '--to')
  if (to !== undefined && target === undefined) throw new UsageError('--to says how to write DST, which is not given')
  const open = defined({
    from: parseFormat(values.from, '--from'),
    task: parseTask(values.task),
    vocOneBased: values['voc-one-based'],
  })
  const options = defined({
    ratios: parseRatios(values.ratios),
    groupBy: parseGroupBy(values['group-by']),
    stratify: values.stratify,
    seed: values.seed,
    keep: values.anew ? false : undefined,
  })
  const { result, format } = await interruptible((signal) =>
    withSource(source, { ...open, signal }, async (reader) => ({
      result: await splitDataset(reader, { ...options, signal }),
      format: reader.format,
    })),
  )
  if (values.json && target === undefined) printJson(io, { ...result, splits: Object.fromEntries(result.splits) })
  if (!values.json) printResult(result, io)
  if (target === undefined) return CLI_EXIT_CODES.ok
  if (!values.json) io.stdout.write('\n')
  return convertAndTell({ ...open, source, target, to: to ?? format, splits: result.splits }, io, values.json === true)
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
  printTable(io, [
    ['class', 'name', 'train', 'val', 'test'],
    ...classes.slice(0, 100).map(({ id, name, images: own }) => [id, name, own.train, own.val, own.test]),
  ])
  for (const warning of warnings) io.stdout.write(`${paint('yellow', 'warning')}: ${cleanText(warning)}\n`)
}

function parseRatios(text: string | undefined): SplitRatios | undefined {
  if (text === undefined) return undefined
  const [train = Number.NaN, val = Number.NaN, test = 0, ...others] = text.split(/[,/]/).map(Number)
  const sum = train + val + test
  if (others.length === 0 && [train, val, test].every((value) => value >= 0) && Math.abs(sum - 1) <= 1e-6)
    return { train, val, test }
  throw new UsageError(`--ratios is "${text}": wanted are parts that sum up to 1, such as 0.7,0.2,0.1`)
}

function parseGroupBy(text: string | undefined): GroupBy | undefined {
  if (text === undefined || text === 'roboflow') return text
  if (text.startsWith('meta:') && text.length > 5) return { attribute: text.slice(5) }
  if (text.startsWith('re:') && text.length > 3) {
    try {
      return new RegExp(text.slice(3), 'u')
    } catch (error) {
      throw new UsageError(`--group-by: ${error instanceof Error ? error.message : error}`)
    }
  }
  throw new UsageError(`--group-by is "${text}": wanted is roboflow, re:EXPRESSION or meta:FIELD`)
}
