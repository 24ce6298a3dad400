import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'

interface RevokeInput extends ServerValues {
  ids: string[]
  json: boolean
}

export async function run({ ids, json, ...server }: RevokeInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  for (const id of ids) {
    await client.tokens.revoke(id)
    if (!json) io.stdout.write(`revoked ${id}\n`)
  }
  if (json) printJson(io, { revoked: ids })
  return EXIT_CODES.ok
}
