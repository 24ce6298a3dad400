import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'

interface RestartInput extends ServerValues {
  job: number
  fresh: boolean
  json: boolean
}

export async function run({ job: id, fresh, json, ...server }: RestartInput, io: CliIo): Promise<number> {
  const job = await (await connect(server, io)).jobs.restart(id, { fresh })
  if (json) printJson(io, { job })
  else io.stdout.write(`job ${id} is ${job.state}, attempt ${job.attempt}. Follow it: trainyard jobs watch ${id}\n`)
  return EXIT_CODES.ok
}
