import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'

interface DeleteInput extends ServerValues {
  ids: string[]
  json: boolean
}

export async function run({ ids, json, ...server }: DeleteInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  for (const id of ids) {
    await client.datasets.delete(id)
    if (!json) io.stdout.write(`deleted ${id}\n`)
  }
  if (json) printJson(io, { deleted: ids })
  return EXIT_CODES.ok
}
