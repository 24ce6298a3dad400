import type { DatasetFinding, Loss } from '../../../dataset/index.ts'
import type { CliIo } from '../../command.ts'
import { cleanText, createPaint } from '../../terminal.ts'

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

/** What was lost, with its first example. */
export function printLosses(io: CliIo, losses: readonly Loss[]): void {
  if (losses.length === 0) return
  io.stdout.write('\n')
  printTable(io, [
    ['lost or changed', 'count', 'such as'],
    ...losses.map(({ reason, count, examples }) => [reason, count, shorten(examples[0] ?? '')]),
  ])
}

export function printFindings(io: CliIo, findings: readonly DatasetFinding[]): void {
  const paint = createPaint(io.stdout, io.env)
  for (const { severity, code, text, count, examples } of findings) {
    const style = severity === 'error' ? 'red' : severity === 'warning' ? 'yellow' : 'dim'
    io.stdout.write(`${paint(style, `${severity} ${code}`)}: ${text} (${formatCount(count)})\n`)
    for (const example of examples) io.stdout.write(`    ${cleanText(example).replaceAll('\n', ' ')}\n`)
    if (count > examples.length) io.stdout.write(`    and ${formatCount(count - examples.length)} more\n`)
  }
}

function shorten(text: string): string {
  return text.length > 70 ? `${text.slice(0, 67)}...` : text
}

export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** How many images are done: one line drawn over and over on a terminal, a line each 5,000 elsewhere; nothing for JSON. */
export function createProgress(
  io: CliIo,
  what: string,
  isSilent: boolean,
): { update(progress: { images: number }): void; end(): void } {
  const isTerminal = io.stderr.isTTY === true
  let [told, drawnAt] = [0, 0]
  const clear = () => {
    if (drawnAt > 0) io.stderr.write('\r\u001b[2K')
    drawnAt = 0
  }
  if (isSilent) return { update() {}, end() {} }
  return {
    update({ images }) {
      if (isTerminal) {
        const now = performance.now()
        if (drawnAt > 0 && now - drawnAt < 80) return
        drawnAt = now
        io.stderr.write(`\r\u001b[2K${what}: ${formatCount(images)} images`)
      } else if (images - told >= 5000) {
        told = images
        io.stderr.write(`${what}: ${formatCount(images)} images\n`)
      }
    },
    end: clear,
  }
}
