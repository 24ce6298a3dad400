import type { CliIo } from '../../command-line/io.ts'
import { followJob } from '../../jobs/follow-job.ts'
import { printFollowedJob } from '../../jobs/print-job.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { interruptible } from '../../terminal/interruptible.ts'

interface WatchInput extends ServerValues {
  job: number
  json: boolean
}

export async function run({ job: id, json, ...server }: WatchInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  const job = await interruptible((signal) => followJob({ client, id, io, signal, silent: json }))
  return printFollowedJob(job, io, { json })
}
