import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireTrainerName } from '../../command-line/require-trainer-name.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'

interface RemoveInput extends ServerValues {
  trainer: string
  ids: string[]
  json: boolean
}

export async function run({ trainer, ids, json, ...server }: RemoveInput, io: CliIo): Promise<number> {
  requireTrainerName(trainer)
  const { publishing } = await connect(server, io)
  for (const id of ids) {
    await publishing.remove(trainer, id)
    if (!json) io.stdout.write(`removed ${id}. Its tokens have ended\n`)
  }
  if (json) printJson(io, { removed: ids })
  return EXIT_CODES.ok
}
