import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireNamespace } from '../../command-line/require-namespace.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'

interface RemoveInput extends ServerValues {
  namespace: string
  ids: string[]
  json: boolean
}

export async function run({ namespace, ids, json, ...server }: RemoveInput, io: CliIo): Promise<number> {
  requireNamespace(namespace)
  const { webhooks } = await connect(server, io)
  for (const id of ids) {
    await webhooks.remove(namespace, id)
    if (!json) io.stdout.write(`removed ${id}\n`)
  }
  if (json) printJson(io, { removed: ids })
  return EXIT_CODES.ok
}
