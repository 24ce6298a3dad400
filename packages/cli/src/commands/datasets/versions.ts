import { formatBytes } from '@trainyard/contract/format'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { collectPages } from '../../server/collect-pages.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { printJson, printTable } from '../../terminal/table.ts'
import { cleanText, formatTime } from '../../terminal/text.ts'

interface VersionsInput extends ServerValues {
  id: string
  limit: number
  json: boolean
}

export async function run({ id, limit, json, ...server }: VersionsInput, io: CliIo): Promise<number> {
  const client = await connect(server, io)
  const { items: versions, more } = await collectPages(limit, async (cursor, missing) => {
    const page = await client.datasets.versions(id, { cursor, limit: Math.min(missing, 100) })
    return { items: page.versions, nextCursor: page.nextCursor }
  })
  if (json) printJson(io, { versions, more })
  else
    printTable(io, [
      ['version', 'images', 'objects', 'size', 'created', 'message'],
      ...versions.map((one) => [
        `${one.id}@${one.version}`,
        one.counts.images,
        one.counts.annotations,
        formatBytes(one.sizeBytes),
        formatTime(one.createdAt),
        cleanText(one.message ?? ''),
      ]),
    ])
  if (more && !json) io.stderr.write(`More versions exist; --limit shows more than ${limit}\n`)
  return EXIT_CODES.ok
}
