import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { TrainyardClient } from '@trainyard/client'
import {
  type CreateJobInput,
  CreateJobRequest,
  describeDeprecation,
  type Operation,
  type TaskType,
} from '@trainyard/contract'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { UsageError } from '../errors.ts'
import { followJob } from '../jobs/follow-job.ts'
import { printFollowedJob } from '../jobs/print-job.ts'
import { connect, type ServerValues } from '../server/connection.ts'
import { looksLikePath, pushDataset } from '../server/push-dataset.ts'
import { interruptible } from '../terminal/interruptible.ts'
import { createPaint } from '../terminal/paint.ts'
import { printJson } from '../terminal/table.ts'
import { cleanText } from '../terminal/text.ts'

interface RunInput extends ServerValues {
  trainer: string
  dataset: string | undefined
  set: string[]
  preset: string | undefined
  model: string | undefined
  task: TaskType | undefined
  operation: Operation | undefined
  checkpoint: string | undefined
  format: string | undefined
  project: string | undefined
  queue: string | undefined
  split: { train: number; val: number; test: number } | undefined
  stratify: boolean
  name: string | undefined
  priority: number | undefined
  retries: number | undefined
  deadline: number | undefined
  key: string | undefined
  detach: boolean
  json: boolean
}

export async function run(input: RunInput, io: CliIo): Promise<number> {
  const request = buildRequest(input)
  // Before a dataset is uploaded.
  const [issue] = CreateJobRequest.safeParse(request).error?.issues ?? []
  if (issue !== undefined) throw new UsageError(`${issue.path.join('.')}: ${issue.message}`)
  const client = await connect(input, io)
  return interruptible((signal) => startAndFollow(client, request, input, io, signal))
}

function buildRequest(input: RunInput): CreateJobInput {
  if (input.stratify && input.split === undefined) throw new UsageError('--stratify requires --split')
  return {
    trainer: input.trainer,
    operation: input.operation ?? 'train',
    config: parseSettings(input.set),
    preset: input.preset,
    model: input.model,
    taskType: input.task,
    checkpoint: input.checkpoint,
    exportFormat: input.format,
    name: input.name,
    project: input.project,
    queue: input.queue,
    split: input.split && { ratios: input.split, stratify: input.stratify },
    idempotencyKey: input.key,
    priority: input.priority,
    maxRetries: input.retries,
    deadlineSeconds: input.deadline,
  }
}

async function startAndFollow(
  client: TrainyardClient,
  request: CreateJobInput,
  input: RunInput,
  io: CliIo,
  signal: AbortSignal,
): Promise<number> {
  const { json, detach } = input
  const dataset = await findDataset(client, input, io, signal)
  const created = await client.jobs.create({ ...request, dataset })
  const { deprecation } = created.trainer
  if (deprecation !== undefined) {
    const paint = createPaint(io.stderr, io.env)
    io.stderr.write(`${paint('yellow', 'warning:')} ${cleanText(describeDeprecation(created.trainer, deprecation))}\n`)
  }
  if (detach) {
    if (json) printJson(io, { job: created })
    else io.stdout.write(`job ${created.id} is ${created.state}. Follow it: trainyard jobs watch ${created.id}\n`)
    return EXIT_CODES.ok
  }
  if (!json) {
    const paint = createPaint(io.stderr, io.env)
    io.stderr.write(
      `job ${paint('bold', String(created.id))} with ${created.trainer.name}@${created.trainer.version}\n`,
    )
  }
  const job = await followJob({ client, id: created.id, io, signal, silent: json })
  const code = printFollowedJob(job, io, { json })
  if (!json && job.state === 'succeeded') io.stdout.write(`  Download its files: trainyard artifacts pull ${job.id}\n`)
  return code
}

/** The id of the dataset. A folder or archive of this machine is uploaded first. */
async function findDataset(
  client: TrainyardClient,
  { dataset, project, json }: RunInput,
  io: CliIo,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (dataset === undefined) return undefined
  const path = resolve(io.cwd, dataset)
  if ((await stat(path).catch(() => undefined)) === undefined) {
    if (looksLikePath(dataset)) throw new UsageError(`--dataset is "${dataset}": ${path} is not a folder or archive`)
    return dataset
  }
  const pushed = await pushDataset({ client, path, project, signal, silent: json }, io)
  if (!json) {
    const paint = createPaint(io.stderr, io.env)
    io.stderr.write(`dataset ${paint('bold', pushed.id)} ${cleanText(pushed.name)}, ${pushed.counts.images} images\n`)
  }
  return pushed.id
}

/** `epochs=20` → `{ epochs: 20 }`. Values that are not JSON are text. */
function parseSettings(list: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    list.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw new UsageError(`--set is "${text}": expected NAME=VALUE, for example epochs=20`)
      return [text.slice(0, at), parseValue(text.slice(at + 1))]
    }),
  )
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
