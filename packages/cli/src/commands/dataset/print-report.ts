import { stat } from 'node:fs/promises'
import type { DatasetFinding, DatasetReport } from '@trainyard/datasets'
import type { CliIo } from '../../command-line/io.ts'
import { createPaint } from '../../terminal/paint.ts'
import { printClasses, printTable } from '../../terminal/table.ts'
import { cleanText, formatCount } from '../../terminal/text.ts'

/** Undefined for a single COCO file, which has no folder of images. */
export async function findFolder(path: string): Promise<string | undefined> {
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => true,
  )
  return isFolder ? path : undefined
}

/** Prints counts, splits, classes and findings. `middle` prints what stands between the classes and the findings. */
export function printDatasetReport(report: DatasetReport, io: CliIo, middle: () => void = () => {}): void {
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
  middle()
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
