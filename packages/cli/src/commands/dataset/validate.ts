import { stat } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type DatasetReport, validateDataset } from '@trainyard/datasets'
import { defined } from '../../arguments.ts'
import { CLI_EXIT_CODES, type CliIo, type Command } from '../../command.ts'
import { interruptible } from '../../interrupt.ts'
import { formatCount, printJson, printTable } from '../../table.ts'
import { cleanText, createPaint } from '../../terminal.ts'
import { COMMON_HELP, commonOptions, parseFormat, parsePlaces, parseTask } from './arguments.ts'
import { withSource } from './open-source.ts'
import { createProgress, printFindings } from './view.ts'

const help = `Usage: trainyard dataset validate SRC [options]

Counts what is in a dataset and finds what is wrong with it: files that are missing, damaged or left over, images of
another size, objects outside their image or without area, classes and splits without objects. Changes nothing.

Options:
  --duplicates     Hash every image to find the same one twice, also in two splits
  --no-pixels      Do not look into the image files
  --strict         Warnings count as errors
${COMMON_HELP}

Exit codes: 0 nothing wrong, 1 errors (with --strict also warnings), 2 wrong usage, 3 failure.

Examples:
  trainyard dataset validate ./flowers
  trainyard dataset validate ./flowers --duplicates --strict
  trainyard dataset validate ./flowers --json
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...commonOptions,
      duplicates: { type: 'boolean' },
      'no-pixels': { type: 'boolean' },
      strict: { type: 'boolean' },
    },
  })
  const { source } = parsePlaces(positionals, io, 1)
  const open = defined({
    from: parseFormat(values.from, '--from'),
    task: parseTask(values.task),
    vocOneBased: values['voc-one-based'],
  })
  // One COCO file has no folder of its own.
  const isFolder = await stat(source).then(
    (stats) => stats.isDirectory(),
    () => true,
  )
  const progress = createProgress(io, 'Looking', values.json === true)
  const report = await interruptible((signal) =>
    withSource(source, { ...open, signal }, (reader) =>
      validateDataset(reader, {
        ...(isFolder ? { dir: source } : {}),
        pixels: !values['no-pixels'],
        duplicates: values.duplicates === true,
        onProgress: progress.update,
        signal,
      }),
    ),
  ).finally(progress.end)
  if (values.json) printJson(io, report)
  else printReport(report, io)
  const isBad = report.findings.some(
    ({ severity }) => severity === 'error' || (values.strict && severity === 'warning'),
  )
  return isBad ? CLI_EXIT_CODES.rejected : CLI_EXIT_CODES.ok
}

function printReport(
  { format, taskType, name, images, labelled, annotations, splits, classes, sizes, findings }: DatasetReport,
  io: CliIo,
): void {
  const paint = createPaint(io.stdout, io.env)
  const title = name === undefined ? '' : `${cleanText(name)}: `
  io.stdout.write(
    `${title}${format}, ${taskType}, ${formatCount(images)} images (${formatCount(labelled)} with objects), ${formatCount(annotations)} annotations\n`,
  )
  const { width, height, boxes } = sizes
  if (width && height)
    io.stdout.write(
      `images: ${width.min} to ${width.max} wide, ${height.min} to ${height.max} high, half of them up to ${width.median} x ${height.median}\n`,
    )
  if (boxes)
    io.stdout.write(
      `objects: ${formatCount(boxes.small)} small, ${formatCount(boxes.medium)} medium, ${formatCount(boxes.large)} large (32 and 96 pixels squared)\n`,
    )
  io.stdout.write('\n')
  const used = Object.entries(splits).filter(([, split]) => split.images > 0)
  printTable(io, [
    ['split', 'images', 'annotations'],
    ...used.map(([split, counts]) => [split, counts.images, counts.annotations]),
  ])
  io.stdout.write('\n')
  const most = Math.max(1, ...classes.map((item) => item.annotations))
  const bar = (count: number) => '#'.repeat(Math.ceil((count / most) * 24))
  printTable(io, [
    ['class', 'name', 'images', 'annotations', ''],
    ...classes.slice(0, 100).map((item) => [item.id, item.name, item.images, item.annotations, bar(item.annotations)]),
  ])
  if (classes.length > 100) io.stdout.write(`and ${formatCount(classes.length - 100)} more classes\n`)
  io.stdout.write('\n')
  printFindings(io, findings)
  if (findings.length === 0) io.stdout.write(`${paint('green', 'nothing wrong')}\n`)
}
