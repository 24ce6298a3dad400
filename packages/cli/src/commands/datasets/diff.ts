import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { interruptible } from '../../terminal/interruptible.ts'
import { printJson } from '../../terminal/table.ts'
import { isSame, printDiff } from '../dataset/print-diff.ts'
import { awaitResult } from './await-result.ts'

interface DiffInput extends ServerValues {
  id: string
  since: number | undefined
  json: boolean
}

export async function run({ id, since, json, ...server }: DiffInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  const diff = await interruptible((signal) =>
    awaitResult(() => client.datasets.diff(id, { from: since }), { signal, what: 'the comparison', isQuiet: json, io }),
  )
  if (json) printJson(io, { diff })
  else {
    io.stdout.write(`version ${diff.from} -> version ${diff.to}\n`)
    printDiff(diff, diff.counts, io)
  }
  return isSame(diff) ? EXIT_CODES.ok : EXIT_CODES.negative
}
