import type { CliIo } from '../command-line/io.ts'
import { createPaint } from './paint.ts'
import { cleanText, formatCount } from './text.ts'

/** A row of a table. Numbers are aligned to the right. */
export type Row = readonly (string | number)[]

/** Lines with aligned columns. The first row is the header. */
export function renderTable(rows: readonly Row[]): string[] {
  const [header = []] = rows
  const cells = rows.map((row) =>
    row.map((cell) => cleanText(typeof cell === 'number' ? formatCount(cell) : cell).replaceAll('\n', ' ')),
  )
  const isNumber = header.map((_, column) => rows.slice(1).some((row) => typeof row[column] === 'number'))
  const widths = header.map((_, column) => Math.max(...cells.map((row) => widthOf(row[column] ?? ''))))
  return cells.map((row) =>
    row
      .map((cell, column) => {
        const space = ' '.repeat((widths[column] ?? 0) - widthOf(cell))
        return isNumber[column] ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd(),
  )
}

/** Columns of a terminal. East Asian letters and emoji take two. */
function widthOf(text: string): number {
  return [...text].reduce(
    (sum, letter) =>
      sum +
      (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        letter,
      )
        ? 2
        : 1),
    0,
  )
}

export function printTable(io: CliIo, rows: readonly Row[]): void {
  const paint = createPaint(io.stdout, io.env)
  for (const [index, line] of renderTable(rows).entries())
    io.stdout.write(`${index === 0 ? paint('bold', line) : line}\n`)
}

const MAX_CLASSES = 100

/** A table with one row per class, and how many more there are. */
export function printClasses<T>(
  io: CliIo,
  header: readonly string[],
  classes: readonly T[],
  toRow: (item: T) => Row,
): void {
  printTable(io, [header, ...classes.slice(0, MAX_CLASSES).map(toRow)])
  if (classes.length > MAX_CLASSES) io.stdout.write(`and ${formatCount(classes.length - MAX_CLASSES)} more classes\n`)
}

/** Prints one JSON document, for `--json`. */
export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}
