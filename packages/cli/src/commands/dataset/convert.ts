import { parseArgs } from 'node:util'
import { type ConversionReport, type ConvertDatasetOptions, convertDataset, LossError } from '@trainyard/datasets'
import { defined, parseChoice, parseNumber } from '../../arguments.ts'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../../command.ts'
import { interruptible } from '../../interrupt.ts'
import { formatCount, printJson, printTable } from '../../table.ts'
import { createPaint } from '../../terminal.ts'
import { COMMON_HELP, commonOptions, parseFormat, parsePlaces, parseTask } from './arguments.ts'
import { createProgress, printLosses } from './view.ts'

const help = `Usage: trainyard dataset convert SRC DST --to FORMAT [options]

Writes the dataset in SRC in another format to DST, a folder that is not there yet or that an earlier conversion wrote.
Everything that the format cannot hold is counted and told. SRC is only read.

Options:
  --to FORMAT      dice, coco, yolo, voc, labelme or imagefolder
  --strict         Any loss is an error: exit with 1 and write nothing
  --images MODE    copy (default) or none: annotations only
  --multi-part P   Objects of several polygons where the format holds one: bridge (default), split or largest
  --crowd MODE     Crowd regions: keep or skip. Default: keep for COCO and DICE
  --min-area PX    Objects smaller than this are dropped, in square pixels. Default 0.001
  --decimals N     Digits after the point. Default 6
  --force          Write anew even when DST holds this very conversion already
${COMMON_HELP}

Exit codes: 0 written, 1 losses under --strict, 2 wrong usage, 3 failure.

Examples:
  trainyard dataset convert ./coco ./coco-yolo --to yolo --task segmentation
  trainyard dataset convert ./voc ./dice --to dice --voc-one-based
  trainyard dataset convert ./labelme ./out --to coco --strict --json
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...commonOptions,
      to: { type: 'string' },
      strict: { type: 'boolean' },
      force: { type: 'boolean' },
      images: { type: 'string' },
      'multi-part': { type: 'string' },
      crowd: { type: 'string' },
      'min-area': { type: 'string' },
      decimals: { type: 'string' },
    },
  })
  const { source, target } = parsePlaces(positionals, io, 2)
  if (target === undefined) throw new UsageError('where to? Give a folder that is not there yet')
  const to = parseFormat(values.to, '--to')
  if (to === undefined) throw new UsageError('which format? Give --to')
  const options: ConvertDatasetOptions = {
    source,
    target,
    to,
    ...defined({
      from: parseFormat(values.from, '--from'),
      task: parseTask(values.task),
      strict: values.strict,
      force: values.force,
      vocOneBased: values['voc-one-based'],
      images: values.images === undefined ? undefined : parseChoice(values.images, ['copy', 'none'], '--images'),
      multiPart:
        values['multi-part'] === undefined
          ? undefined
          : parseChoice(values['multi-part'], ['bridge', 'split', 'largest'], '--multi-part'),
      crowd: values.crowd === undefined ? undefined : parseChoice(values.crowd, ['keep', 'skip'], '--crowd'),
      minAreaPx: parseNumber(values['min-area'], '--min-area', { min: 0, max: 1e12 }),
      decimals: parseNumber(values.decimals, '--decimals', { min: 1, max: 15, isWhole: true }),
    }),
  }
  return convertAndTell(options, io, values.json === true)
}

/** Converts and prints the report, also of a strict conversion that was not to be. */
export async function convertAndTell(options: ConvertDatasetOptions, io: CliIo, isJson: boolean): Promise<number> {
  const progress = createProgress(io, 'Converting', isJson)
  try {
    const report = await interruptible((signal) => convertDataset({ ...options, onProgress: progress.update, signal }))
    progress.end()
    if (isJson) printJson(io, report)
    else printReport(report, io)
    return CLI_EXIT_CODES.ok
  } catch (error) {
    progress.end()
    if (!(error instanceof LossError)) throw error
    if (isJson) printJson(io, { ...error.report, error: { message: error.message } })
    else {
      io.stdout.write('Nothing is written: the conversion would lose or change something, and --strict is set\n')
      printLosses(io, error.report.losses)
    }
    return CLI_EXIT_CODES.rejected
  }
}

function printReport(report: ConversionReport, io: CliIo): void {
  const { from, to, taskType, images, annotations, splits, classes, losses, target, isUnchanged } = report
  const paint = createPaint(io.stdout, io.env)
  const counts = `${formatCount(images)} images, ${formatCount(annotations)} annotations`
  io.stdout.write(
    `${paint('green', isUnchanged ? 'unchanged' : 'written')}: ${from} to ${to}, ${taskType}, ${counts}, in ${target}\n\n`,
  )
  const used = Object.entries(splits).filter(([, split]) => split.images > 0)
  printTable(io, [
    ['split', 'images', 'annotations'],
    ...used.map(([name, split]) => [name, split.images, split.annotations]),
  ])
  io.stdout.write('\n')
  printTable(io, [
    ['class', 'name', 'annotations'],
    ...classes.slice(0, 100).map(({ id, name, annotations: count }) => [id, name, count]),
  ])
  if (classes.length > 100) io.stdout.write(`and ${formatCount(classes.length - 100)} more classes\n`)
  printLosses(io, losses)
}
