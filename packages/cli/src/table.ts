import type { CliIo } from './command.ts'
import { cleanText, createPaint } from './terminal.ts'

/** Columns as wide as their longest cell; numbers to the right. The first row is the head. */
export function renderTable(rows: readonly (readonly (string | number)[])[]): string[] {
  const [head = []] = rows
  const cells = rows.map((row) =>
    row.map((cell) => cleanText(typeof cell === 'number' ? formatCount(cell) : cell).replaceAll('\n', ' ')),
  )
  const isNumber = head.map((_, column) => rows.slice(1).some((row) => typeof row[column] === 'number'))
  const widths = head.map((_, column) => Math.max(...cells.map((row) => widthOf(row[column] ?? ''))))
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

/** On a terminal letters of East Asian scripts and emoji take two columns. */
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

export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

export function printTable(io: CliIo, rows: readonly (readonly (string | number)[])[]): void {
  const paint = createPaint(io.stdout, io.env)
  for (const [index, line] of renderTable(rows).entries())
    io.stdout.write(`${index === 0 ? paint('bold', line) : line}\n`)
}

/** One document, for programs. */
export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}
