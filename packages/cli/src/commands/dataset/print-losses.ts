import type { DatasetLoss } from '@trainyard/contract'
import type { CliIo } from '../../command-line/io.ts'
import { printTable } from '../../terminal/table.ts'

/** Prints what a conversion or an upload lost or changed, each kind with an example. */
export function printLosses(losses: readonly DatasetLoss[], io: CliIo): void {
  if (losses.length === 0) return
  io.stdout.write('\n')
  printTable(io, [
    ['lost or changed', 'count', 'example'],
    ...losses.map(({ reason, count, examples }) => [reason, count, shorten(examples[0] ?? '')]),
  ])
}

function shorten(text: string): string {
  return text.length > 70 ? `${text.slice(0, 67)}...` : text
}
