import { formatBytes } from '@trainyard/contract/format'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { collectPages } from '../../server/collect-pages.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson, printTable } from '../../terminal/table.ts'
import { formatTime } from '../../terminal/text.ts'

interface ListInput extends ServerValues {
  limit: number
  json: boolean
}

export async function run({ limit, json, ...server }: ListInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  const { items: datasets, more } = await collectPages(limit, async (cursor, missing) => {
    const page = await client.datasets.list({ cursor, limit: Math.min(missing, 100) })
    return { items: page.datasets, nextCursor: page.nextCursor }
  })
  if (json) printJson(io, { datasets, more })
  else if (datasets.length === 0) io.stdout.write('No datasets. Upload one: trainyard datasets push --help\n')
  else
    printTable(io, [
      ['id', 'version', 'name', 'task', 'format', 'images', 'classes', 'size', 'created'],
      ...datasets.map((one) => [
        one.id,
        one.version,
        one.name,
        one.taskType,
        one.format,
        one.counts.images,
        one.classes.length,
        formatBytes(one.sizeBytes),
        formatTime(one.createdAt),
      ]),
    ])
  if (more && !json) io.stderr.write(`More datasets exist; --limit shows more than ${limit}\n`)
  return EXIT_CODES.ok
}
