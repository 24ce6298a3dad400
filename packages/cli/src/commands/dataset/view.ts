import type { DatasetFinding, Loss } from '@trainyard/datasets'
import type { CliIo } from '../../command.ts'
import { formatCount, printTable } from '../../table.ts'
import { cleanText, createPaint } from '../../terminal.ts'

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
