import type { CliIo } from '../../command-line/io.ts'
import { requireTrainerName } from '../../command-line/require-trainer-name.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { removeEach } from '../remove-each.ts'

interface RemoveInput extends ServerValues {
  trainer: string
  ids: string[]
  json: boolean
}

export async function run({ trainer, ids, json, ...server }: RemoveInput, io: CliIo): Promise<number> {
  requireTrainerName(trainer)
  const { publishing } = await connect(server, io)
  const remove = (id: string) => publishing.remove(trainer, id)
  return await removeEach(io, ids, { json, remove, effect: '. Its tokens have ended' })
}
