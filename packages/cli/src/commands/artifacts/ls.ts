import { formatBytes } from '@trainyard/contract/format'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson, printTable } from '../../terminal/table.ts'

interface ListInput extends ServerValues {
  job: number
  json: boolean
}

export async function run({ job, json, ...server }: ListInput, io: CliIo): Promise<number> {
  const { artifacts } = await (await connect(server, io)).jobs.artifacts(job)
  if (json) printJson(io, { artifacts })
  else if (artifacts.length === 0) io.stdout.write(`job ${job} has no files\n`)
  else
    printTable(io, [
      ['id', 'kind', 'file', 'size', 'attempt'],
      ...artifacts.map((one) => [one.id, one.kind, one.name, formatBytes(one.sizeBytes), String(one.attempt)]),
    ])
  return EXIT_CODES.ok
}
