import { isTerminalJobState, type Job } from '@trainyard/contract'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson } from '../../terminal/table.ts'

interface CancelInput extends ServerValues {
  jobs: number[]
  json: boolean
}

export async function run({ jobs: ids, json, ...server }: CancelInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  const jobs: Job[] = []
  for (const id of ids) {
    const job = await client.jobs.cancel(id)
    jobs.push(job)
    if (!json) io.stdout.write(`job ${id} ${isTerminalJobState(job.state) ? `is ${job.state}` : 'is stopping'}\n`)
  }
  if (json) printJson(io, { jobs })
  return EXIT_CODES.ok
}
