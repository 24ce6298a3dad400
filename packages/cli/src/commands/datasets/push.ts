import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { formatBytes } from '@trainyard/contract/format'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../../connection.ts'
import { interruptible } from '../../interrupt.ts'
import { pushDataset } from '../../push-dataset.ts'
import { formatCount, printJson } from '../../table.ts'
import { cleanText, createPaint } from '../../terminal.ts'

const help = `Usage: trainyard datasets push PATH [options]

Uploads the dataset in PATH: a folder in any format that Trainyard knows, or a tar, tar.gz or zip of one. It is read as it
is sent. The same content under the same name gives the same dataset again.

Options:
  --project NAME   organisation/project. Default: your first one
  --name NAME      Default: the name of the folder or archive
${CONNECTION_HELP}

Examples:
  trainyard datasets push ./flowers
  trainyard datasets push ./flowers.zip --name flowers-2026 --json
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...connectionOptions, name: { type: 'string' }, project: { type: 'string' } },
  })
  const [path, ...others] = positionals
  if (path === undefined) throw new UsageError('which dataset? Give its folder or archive')
  if (others.length > 0) throw new UsageError(`one dataset at a time, not ${positionals.length}`)
  const client = await connect(values, io)
  const json = values.json === true
  const dataset = await interruptible((signal) =>
    pushDataset(
      { client, path: resolve(io.cwd, path), name: values.name, project: values.project, signal, silent: json },
      io,
    ),
  )
  if (json) printJson(io, { dataset })
  else {
    const paint = createPaint(io.stdout, io.env)
    const { counts, classes } = dataset
    io.stdout.write(
      `${paint('green', dataset.id)} ${cleanText(dataset.name)}: ${dataset.taskType}, ${dataset.format}, ` +
        `${formatCount(counts.images)} images (${counts.splits.train} train, ${counts.splits.val} val, ${counts.splits.test} test), ` +
        `${classes.length} classes, ${formatBytes(dataset.sizeBytes)}\n`,
    )
  }
  return CLI_EXIT_CODES.ok
}
