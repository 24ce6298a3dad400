import { stat } from 'node:fs/promises'
import { type DatasetFinding, type DatasetReport, validateDataset } from '@trainyard/datasets'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { createPaint } from '../../terminal/paint.ts'
import { imageProgress } from '../../terminal/progress.ts'
import { printClasses, printJson, printTable } from '../../terminal/table.ts'
import { cleanText, formatCount } from '../../terminal/text.ts'
import { readSource, type SourceInput } from './read-source.ts'

interface ValidateInput extends SourceInput {
  duplicates: boolean
  noPixels: boolean
  strict: boolean
}

export async function run(input: ValidateInput, io: CliIo): Promise<number> {
  const { duplicates, noPixels, strict, json } = input
  const progress = imageProgress(io.stderr, 'Validating', json)
  const report = await readSource(input, io, async (reader, signal, dir) =>
    validateDataset(reader, {
      dir: await findFolder(dir),
      pixels: !noPixels,
      duplicates,
      onProgress: ({ images }) => progress.update(images),
      signal,
    }),
  ).finally(progress.end)
  if (json) printJson(io, report)
  else printReport(report, io)
  const isInvalid = report.findings.some(({ severity }) => severity === 'error' || (strict && severity === 'warning'))
  return isInvalid ? EXIT_CODES.negative : EXIT_CODES.ok
}

/** Undefined for a single COCO file, which has no folder of images. */
async function findFolder(path: string): Promise<string | undefined> {
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => true,
  )
  return isFolder ? path : undefined
}

function printReport(report: DatasetReport, io: CliIo): void {
  const { splits, classes, findings } = report
  const paint = createPaint(io.stdout, io.env)
  for (const line of summarize(report)) io.stdout.write(`${line}\n`)
  io.stdout.write('\n')
  printTable(io, [
    ['split', 'images', 'annotations'],
    ...Object.entries(splits)
      .filter(([, split]) => split.images > 0)
      .map(([split, counts]) => [split, counts.images, counts.annotations]),
  ])
  io.stdout.write('\n')
  const most = Math.max(1, ...classes.map((item) => item.annotations))
  const bar = (count: number) => '#'.repeat(Math.ceil((count / most) * 24))
  printClasses(io, ['class', 'name', 'images', 'annotations', ''], classes, (item) => [
    item.id,
    item.name,
    item.images,
    item.annotations,
    bar(item.annotations),
  ])
  io.stdout.write('\n')
  for (const finding of findings) printFinding(finding, io)
  if (findings.length === 0) io.stdout.write(`${paint('green', 'no errors')}\n`)
}

function summarize({ format, taskType, name, images, labelled, annotations, sizes }: DatasetReport): string[] {
  const title = name === undefined ? '' : `${cleanText(name)}: `
  const lines = [
    `${title}${format}, ${taskType}, ${formatCount(images)} images (${formatCount(labelled)} with objects), ` +
      `${formatCount(annotations)} annotations`,
  ]
  const { width, height, boxes } = sizes
  if (width && height)
    lines.push(
      `images: ${width.min} to ${width.max} wide, ${height.min} to ${height.max} high, ` +
        `median ${width.median} x ${height.median}`,
    )
  if (boxes)
    lines.push(
      `objects: ${formatCount(boxes.small)} small, ${formatCount(boxes.medium)} medium, ` +
        `${formatCount(boxes.large)} large (limits: 32 and 96 pixels squared)`,
    )
  return lines
}

function printFinding({ severity, code, text, count, examples }: DatasetFinding, io: CliIo): void {
  const paint = createPaint(io.stdout, io.env)
  const style = severity === 'error' ? 'red' : severity === 'warning' ? 'yellow' : 'dim'
  io.stdout.write(`${paint(style, `${severity} ${code}`)}: ${text} (${formatCount(count)})\n`)
  for (const example of examples) io.stdout.write(`    ${cleanText(example).replaceAll('\n', ' ')}\n`)
  if (count > examples.length) io.stdout.write(`    and ${formatCount(count - examples.length)} more\n`)
}
