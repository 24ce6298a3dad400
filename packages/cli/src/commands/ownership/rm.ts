import type { CliIo } from '../../command-line/io.ts'
import { requireNamespace } from '../../command-line/require-namespace.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { removeEach } from '../remove-each.ts'

interface RemoveInput extends ServerValues {
  namespace: string
  ids: string[]
  json: boolean
}

export async function run({ namespace, ids, json, ...server }: RemoveInput, io: CliIo): Promise<number> {
  requireNamespace(namespace)
  const { ownership } = await connect(server, io)
  return await removeEach(io, ids, { json, remove: (id) => ownership.remove(namespace, id) })
}
