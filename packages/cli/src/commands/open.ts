import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { connect, findServer, type ServerValues } from '../server/connection.ts'
import { printJson } from '../terminal/table.ts'

export async function run({ json, ...server }: ServerValues & { json: boolean }, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  const { secret, expiresAt } = await client.identity.createSignInCode()
  const link = `${(await findServer(server, io)).replace(/\/+$/, '')}/open?code=${secret}`
  if (json) printJson(io, { link, expiresAt })
  else io.stdout.write(`${link}\n`)
  return EXIT_CODES.ok
}
