import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'
import { readReference } from './read-reference.ts'

interface YankInput extends ServerValues {
  version: string
  reason: string | undefined
  undo: boolean
  json: boolean
}

export async function run(input: YankInput, io: CliIo): Promise<number> {
  const { name, version } = readReference(input.version)
  const { reason, undo } = input
  if (undo) await (await connect(input, io)).trainers.unyank(name, version)
  else if (!reason) throw new UsageError('no reason: say why with --reason TEXT, or show it again with --undo')
  else await (await connect(input, io)).trainers.yank(name, version, { reason })
  if (input.json) printJson(io, { name, version, isYanked: !undo })
  else if (undo) io.stdout.write(`${name}@${version} is shown again\n`)
  else io.stdout.write(`${name}@${version} is hidden from ranges, tags and channels. Pulls by digest go on\n`)
  return EXIT_CODES.ok
}
