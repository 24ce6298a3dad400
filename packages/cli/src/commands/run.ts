import type { TrainyardClient } from '@trainyard/client'
import {
  type CreateJobInput,
  CreateJobRequest,
  describeDeprecation,
  type Operation,
  type TaskType,
} from '@trainyard/contract'
import { formatTrust } from '@trainyard/contract/format'
import { EXIT_CODES } from '../command-line/exit-codes.ts'
import type { CliIo } from '../command-line/io.ts'
import { UsageError } from '../errors.ts'
import { followJob } from '../jobs/follow-job.ts'
import { printFollowedJob } from '../jobs/print-job.ts'
import { checkJob, type Data, findData, optionOf, readSettings } from '../run/check-job.ts'
import { connect, type ServerValues } from '../server/connection.ts'
import { pushDataset } from '../server/push-dataset.ts'
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
  const settings = readSettings(input.set)
  const request = buildRequest(input)
  const [issue] = CreateJobRequest.safeParse(request).error?.issues ?? []
  if (issue !== undefined) throw new UsageError(`${optionOf(issue.path.join('.'))}: ${issue.message}`)
  const data = await findData(input.dataset, io)
  const client = await connect(input, io)
  // Everything is checked before the first byte of a dataset is sent.
  const config = await checkJob(client, { ...request, dataset: data?.id }, settings, data)
  return interruptible((signal) => startAndFollow(client, { ...request, config }, { input, data, io, signal }))
}

function buildRequest(input: RunInput): CreateJobInput {
  if (input.stratify && input.split === undefined) throw new UsageError('--stratify requires --split')
  return {
    trainer: input.trainer,
    operation: input.operation ?? 'train',
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

interface Start {
  input: RunInput
  data: Data | undefined
  io: CliIo
  signal: AbortSignal
}

async function startAndFollow(
  client: TrainyardClient,
  request: CreateJobInput,
  { input, data, io, signal }: Start,
): Promise<number> {
  const { json, detach } = input
  const dataset = data?.path === undefined ? data?.id : await pushData(client, data.path, { input, io, signal })
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
    const { name, version, trust } = created.trainer
    io.stderr.write(`job ${paint('bold', String(created.id))} with ${name}@${version}\n`)
    if (trust !== undefined) io.stderr.write(`  ${cleanText(formatTrust(trust))}\n`)
  }
  const job = await followJob({ client, id: created.id, io, signal, silent: json })
  const code = printFollowedJob(job, io, { json })
  if (!json && job.state === 'succeeded') io.stdout.write(`  Download its files: trainyard artifacts pull ${job.id}\n`)
  return code
}

async function pushData(
  client: TrainyardClient,
  path: string,
  { input: { project, json }, io, signal }: Pick<Start, 'input' | 'io' | 'signal'>,
): Promise<string> {
  const pushed = await pushDataset({ client, path, project, signal, silent: json }, io)
  if (!json) {
    const paint = createPaint(io.stderr, io.env)
    io.stderr.write(`dataset ${paint('bold', pushed.id)} ${cleanText(pushed.name)}, ${pushed.counts.images} images\n`)
  }
  return pushed.id
}
