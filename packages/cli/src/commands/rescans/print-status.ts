import type { RescanStatus } from '@trainyard/contract'
import type { CliIo } from '../../command-line/io.ts'
import { printJson, printTable } from '../../terminal/table.ts'
import { formatTime, plural } from '../../terminal/text.ts'

export function printStatus(io: CliIo, status: RescanStatus, json: boolean): void {
  if (json) {
    printJson(io, status)
    return
  }
  printTable(io, [
    ['check', 'scanner', 'waiting', 'last hour', 'last scan', 'found since publication'],
    ...status.scanners.map(({ check, scanner, reason, waiting, lastHour, lastAt, found }) => [
      check,
      scanner === undefined
        ? (reason ?? 'does not answer')
        : [scanner.name, scanner.version, scanner.database].filter(Boolean).join(' '),
      waiting,
      lastHour,
      lastAt === undefined ? 'never' : formatTime(lastAt),
      found,
    ]),
  ])
  io.stdout.write(`At most ${plural(status.perHour, 'part')} an hour\n`)
}
