import { type ConversionReport, type ConvertDatasetOptions, convertDataset, LossError } from '@trainyard/datasets'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { interruptible } from '../../terminal/interruptible.ts'
import { createPaint } from '../../terminal/paint.ts'
import { imageProgress } from '../../terminal/progress.ts'
import { printClasses, printJson, printTable } from '../../terminal/table.ts'
import { formatCount } from '../../terminal/text.ts'
import { printLosses } from './print-losses.ts'

/** Converts a dataset and prints the report, also if losses stopped the conversion. */
export async function convertAndPrint(
  options: ConvertDatasetOptions,
  io: CliIo,
  { json }: { json: boolean },
): Promise<number> {
  return printConversion(io, { json, label: 'Converting' }, (running) => convertDataset({ ...options, ...running }))
}

/** Runs `work` with a progress line, and prints its report, also if losses stopped it. */
export async function printConversion(
  io: CliIo,
  { json, label }: { json: boolean; label: string },
  work: (running: Required<Pick<ConvertDatasetOptions, 'onProgress' | 'signal'>>) => Promise<ConversionReport>,
): Promise<number> {
  const progress = imageProgress(io.stderr, label, json)
  const onProgress = ({ images }: { images: number }) => progress.update(images)
  try {
    const report = await interruptible((signal) => work({ onProgress, signal })).finally(progress.end)
    if (json) printJson(io, report)
    else printReport(report, io)
    return EXIT_CODES.ok
  } catch (error) {
    if (!(error instanceof LossError)) throw error
    if (json) printJson(io, { ...error.report, error: { message: error.message } })
    else {
      io.stdout.write('Nothing was written: the conversion has losses, and --strict is set\n')
      printLosses(error.report.losses, io)
    }
    return EXIT_CODES.negative
  }
}

function printReport(report: ConversionReport, io: CliIo): void {
  const { from, to, taskType, images, annotations, splits, classes, losses, target, isUnchanged } = report
  const paint = createPaint(io.stdout, io.env)
  const counts = `${formatCount(images)} images, ${formatCount(annotations)} annotations`
  const status = paint('green', isUnchanged ? 'unchanged' : 'written')
  io.stdout.write(`${status}: ${from} to ${to}, ${taskType}, ${counts}, in ${target}\n\n`)
  printTable(io, [
    ['split', 'images', 'annotations'],
    ...Object.entries(splits)
      .filter(([, split]) => split.images > 0)
      .map(([name, split]) => [name, split.images, split.annotations]),
  ])
  io.stdout.write('\n')
  printClasses(io, ['class', 'name', 'annotations'], classes, (item) => [item.id, item.name, item.annotations])
  printLosses(losses, io)
}
