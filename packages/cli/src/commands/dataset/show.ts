import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { SplitName } from '@trainyard/contract'
import { showDataset } from '@trainyard/datasets'
import { defined, parseChoice, parseNumber } from '../../arguments.ts'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../../command.ts'
import { interruptible } from '../../interrupt.ts'
import { printJson } from '../../table.ts'
import { cleanText } from '../../terminal.ts'
import { COMMON_HELP, commonOptions, parseFormat, parsePlaces, parseTask } from './arguments.ts'
import { withSource } from './open-source.ts'

const help = `Usage: trainyard dataset show SRC [SHEET.png] [options]

Draws a contact sheet: some images with their boxes, polygons, masks, keypoints and classes. Default: SRC-sheet.png in
this folder. The same dataset gives the same sheet. Needs the package sharp: npm install sharp

Options:
  --count N        Images on the sheet, at most 400. Default 12
  --columns N      Images in a row
  --tile PX        Side of an image on the sheet, from 64 to 1024. Default 240
  --split NAME     Only images of train, val or test
  --class NAME     Only images that show this class
  --seed TEXT      Another seed shows other images
  --no-labels      Without the names of classes
${COMMON_HELP}

Exit codes: 0 drawn, 2 wrong usage, 3 failure.

Examples:
  trainyard dataset show ./flowers
  trainyard dataset show ./flowers val.png --split val --count 30
  trainyard dataset show ./ships --task obb --tile 400
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...commonOptions,
      count: { type: 'string' },
      columns: { type: 'string' },
      tile: { type: 'string' },
      split: { type: 'string' },
      class: { type: 'string' },
      seed: { type: 'string' },
      'no-labels': { type: 'boolean' },
    },
  })
  const { source, target = join(io.cwd, `${basename(source)}-sheet.png`) } = parsePlaces(positionals, io, 2)
  if (!/\.png$/i.test(target))
    throw new UsageError(`the sheet is a PNG image: "${basename(target)}" must end with .png`)
  const open = defined({
    from: parseFormat(values.from, '--from'),
    task: parseTask(values.task),
    vocOneBased: values['voc-one-based'],
  })
  const options = defined({
    count: parseNumber(values.count, '--count', { min: 1, max: 400, isWhole: true }),
    columns: parseNumber(values.columns, '--columns', { min: 1, max: 40, isWhole: true }),
    tile: parseNumber(values.tile, '--tile', { min: 64, max: 1024, isWhole: true }),
    split: values.split === undefined ? undefined : parseChoice(values.split, SplitName.options, '--split'),
    className: values.class,
    seed: values.seed,
    labels: values['no-labels'] ? false : undefined,
  })
  const shown = await interruptible((signal) =>
    withSource(source, { ...open, signal }, (reader) =>
      showDataset(reader, {
        title: reader.name ?? basename(source),
        ...options,
        target,
        signal,
      }),
    ),
  )
  if (values.json) printJson(io, shown)
  else {
    io.stdout.write(`${shown.images.length} images on ${shown.target} (${shown.width} x ${shown.height})\n`)
    const reasons = new Map<string, number>()
    for (const { reason } of shown.withoutPixels) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    for (const [reason, count] of reasons) io.stdout.write(cleanText(`${count} without pixels, ${reason}\n`))
  }
  return CLI_EXIT_CODES.ok
}
