import { resolve } from 'node:path'
import type { TaskType } from '@trainyard/contract'
import { formatBytes } from '@trainyard/contract/format'
import { EXIT_CODES } from '../../command-line/exit-codes.ts'
import type { CliIo } from '../../command-line/io.ts'
import { UsageError } from '../../errors.ts'
import { connect, type ServerValues } from '../../server/connection.ts'
import { pushDataset } from '../../server/push-dataset.ts'
import { interruptible } from '../../terminal/interruptible.ts'
import { createPaint } from '../../terminal/paint.ts'
import { printJson } from '../../terminal/table.ts'
import { cleanText, formatCount } from '../../terminal/text.ts'
import { printLosses } from '../dataset/print-losses.ts'

interface PushInput extends ServerValues {
  path: string
  project: string | undefined
  name: string | undefined
  to: string | undefined
  message: string | undefined
  task: TaskType | undefined
  strict: boolean
  json: boolean
}

export async function run(
  { path, project, name, to, message, task, strict, json, ...server }: PushInput,
  io: CliIo,
): Promise<number> {
  if (to === undefined && message !== undefined)
    throw new UsageError('--message describes a version: give --to with the id of its dataset too')
  if (to !== undefined && (name !== undefined || project !== undefined))
    throw new UsageError(
      '--to adds a version to a dataset, which has a name and a project: leave out --name and --project',
    )
  const client = await connect(server, io)
  const dataset = await interruptible((signal) =>
    pushDataset(
      { client, path: resolve(io.cwd, path), name, project, to, message, taskType: task, strict, signal, silent: json },
      io,
    ),
  )
  if (json) printJson(io, { dataset })
  else {
    const paint = createPaint(io.stdout, io.env)
    const { counts, classes } = dataset
    const { train, val, test } = counts.splits
    io.stdout.write(
      `${paint('green', to === undefined ? dataset.id : `${dataset.id}@${dataset.version}`)} ${cleanText(dataset.name)}: ${dataset.taskType}, ${dataset.format}, ` +
        `${formatCount(counts.images)} images (${train} train, ${val} val, ${test} test), ` +
        `${classes.length} classes, ${formatBytes(dataset.sizeBytes)}\n`,
    )
    printLosses(dataset.losses, io)
  }
  return EXIT_CODES.ok
}
