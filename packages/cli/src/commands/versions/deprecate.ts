import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'
import { readReference } from './read-reference.ts'

interface DeprecateInput extends ServerValues {
  version: string
  message: string | undefined
  use: string | undefined
  undo: boolean
  json: boolean
}

export async function run(input: DeprecateInput, io: CliIo): Promise<number> {
  const { name, version } = readReference(input.version)
  const { message, use: replacement, undo } = input
  if (undo) await (await connect(input, io)).trainers.undeprecate(name, version)
  else if (!message) throw new UsageError('no message: say why with --message TEXT, or withdraw it with --undo')
  else await (await connect(input, io)).trainers.deprecate(name, version, { message, replacement })
  if (input.json) printJson(io, { name, version, state: undo ? 'published' : 'deprecated', replacement })
  else io.stdout.write(`${name}@${version} is ${undo ? 'no longer' : 'now'} deprecated\n`)
  return EXIT_CODES.ok
}
