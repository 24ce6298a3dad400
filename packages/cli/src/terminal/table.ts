import type { CliIo } from '../command-line/io.ts'
import { createPaint } from './paint.ts'
import { cleanText, formatCount } from './text.ts'
import { widthOf } from './width.ts'

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

/** The version of all JSON documents. It changes only if a key is removed or changes its meaning. */
export const JSON_VERSION = 1

/** Prints one JSON document, for `--json`. Its keys are documented in `src/table/json-documents.ts`. */
export function printJson(io: Pick<CliIo, 'stdout'>, value: object): void {
  io.stdout.write(`${JSON.stringify(Object.assign({ jsonVersion: JSON_VERSION }, value), null, 2)}\n`)
}
