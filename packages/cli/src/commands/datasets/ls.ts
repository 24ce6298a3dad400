import { parseArgs } from 'node:util'
import { formatBytes } from '@trainyard/contract/format'
import { parseNumber } from '../../arguments.ts'
import { collectPages } from '../../collect-pages.ts'
import { CLI_EXIT_CODES, type CliIo, type Command } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { printJson, printTable } from '../../table.ts'

const help = `Usage: trainyard datasets ls [options]

The datasets of the server, newest first.

Options:
  --limit N        At most so many. Default 50
${CONNECTION_HELP}

Examples:
  trainyard datasets ls
  trainyard datasets ls --json | jq -r '.datasets[].id'
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values } = parseArgs({ args, options: { ...connectionOptions, limit: { type: 'string' } } })
  const wanted = parseNumber(values.limit, '--limit', { min: 1, max: 100_000, isWhole: true }) ?? 50
  const client = await connect(values, io)
  const datasets = await collectPages(wanted, async (cursor, missing) => {
    const page = await client.datasets.list({ cursor, limit: Math.min(missing, 100) })
    return { items: page.datasets, nextCursor: page.nextCursor }
  })
  if (values.json) printJson(io, { datasets })
  else if (datasets.length === 0) io.stdout.write('No datasets. Upload one: trainyard datasets push --help\n')
  else
    printTable(io, [
      ['id', 'name', 'task', 'format', 'images', 'classes', 'size', 'created'],
      ...datasets.map((one) => [
        one.id,
        one.name,
        one.taskType,
        one.format,
        one.counts.images,
        one.classes.length,
        formatBytes(one.sizeBytes),
        one.createdAt.slice(0, 16).replace('T', ' '),
      ]),
    ])
  return CLI_EXIT_CODES.ok
}
