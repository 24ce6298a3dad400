import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { requireTrainerName } from '../../command-line/require-trainer-name.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'
import { cleanText } from '../../terminal/text.ts'

interface TestInput extends ServerValues {
  trainer: string
  id: string
  json: boolean
}

export async function run({ trainer, id, json, ...server }: TestInput, io: CliIo): Promise<number> {
  requireTrainerName(trainer)
  const token = io.env.TRAINYARD_ID_TOKEN?.trim() || undefined
  const result = await (await connect(server, io)).publishing.test(trainer, id, token)
  const { ok, reasons } = result
  if (json) printJson(io, result)
  else if (!ok) for (const reason of reasons) io.stdout.write(`${cleanText(reason)}\n`)
  else if (token !== undefined) io.stdout.write(`the job can publish ${trainer}\n`)
  else io.stdout.write('the issuer answers. With the token of a job in TRAINYARD_ID_TOKEN, the job is tested too\n')
  return ok ? EXIT_CODES.ok : EXIT_CODES.negative
}
