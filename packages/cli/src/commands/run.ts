import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type CreateJobInput,
  CreateJobRequest,
  isTerminalJobState,
  Operation,
  TASK_TYPE_ALIASES,
  TaskType,
} from '@trainyard/contract'
import { defined, parseChoice, parseNumber } from '../arguments.ts'
import { CLI_EXIT_CODES, type CliIo, type Command, UsageError } from '../command.ts'
import { CONNECTION_HELP, connect, connectionOptions } from '../connection.ts'
import { interruptible } from '../interrupt.ts'
import { exitCodeOf, followJob, printEnd } from '../job-view.ts'
import { pushDataset } from '../push-dataset.ts'
import { reportError } from '../report-error.ts'
import { printJson } from '../table.ts'
import { cleanText, createPaint } from '../terminal.ts'
import { INTERRUPTED, sayItGoesOn } from '../watching.ts'

const help = `Usage: trainyard run TRAINER [options]

Starts a job and follows it until it ends. Ctrl-C stops the watching, not the job.
TRAINER is "namespace/name", with a range of versions if wanted: acme/yolo@^1.2

Options:
  --dataset DATA    Id of a dataset on the server, or a folder or archive here, which is uploaded first
  --set NAME=VALUE  A setting of the trainer, for example epochs=20; may be given again
  --preset NAME     One of the trainer's presets; --set wins over it
  --model NAME      One of the trainer's models. Default: its first
  --task TASK       detection, segmentation, pose, obb or classification. Default: the dataset's
  --operation WHAT  train (default), predict or export
  --checkpoint ID   Artifact to start from, predict with or export
  --format NAME     With --operation export: the format to write
  --project NAME    organisation/project. Default: the dataset's, or your first one
  --queue NAME      One of the server's queues. Default: default
  --split R/R/R     Shares of train, val and test of this job alone, for example 0.8/0.1/0.1
  --stratify        With --split: every class in the same shares
  --name TEXT       A name for the job
  --priority N      -100 to 100; higher ones first. Default 0
  --retries N       How often a failure is tried again. Default 0
  --deadline SEC    Longest time an attempt may run, in seconds
  --key TEXT        Idempotency key: the same key gives the same job again
  -d, --detach      Do not follow the job
${CONNECTION_HELP}

Exit codes: 0 succeeded (or started, with --detach), 1 failed or cancelled, 2 wrong usage, 3 failure, 130 interrupted.

Examples:
  trainyard run trainyard/tfjs-classifier --dataset ./digits --set epochs=5
  trainyard run acme/yolo@^1.2 --dataset ds_01jd0example --model n --preset fast --detach --json
  trainyard run acme/yolo --operation export --checkpoint art_01jd0example --format onnx
`

export const command: Command = { help, run }

async function run(args: string[], io: CliIo): Promise<number> {
  const parsed = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...connectionOptions,
      dataset: { type: 'string' },
      set: { type: 'string', multiple: true },
      preset: { type: 'string' },
      model: { type: 'string' },
      task: { type: 'string' },
      operation: { type: 'string' },
      checkpoint: { type: 'string' },
      format: { type: 'string' },
      project: { type: 'string' },
      queue: { type: 'string' },
      split: { type: 'string' },
      stratify: { type: 'boolean' },
      name: { type: 'string' },
      priority: { type: 'string' },
      retries: { type: 'string' },
      deadline: { type: 'string' },
      key: { type: 'string' },
      detach: { type: 'boolean', short: 'd' },
    },
  })
  const json = parsed.values.json === true
  try {
    return await interruptible((signal) => startAndFollow(parsed, io, { json, signal }))
  } catch (error) {
    return reportError(error, { title: 'trainyard run', json, help }, io)
  }
}

type Parsed = {
  values: {
    [name in
      | 'dataset'
      | 'preset'
      | 'model'
      | 'task'
      | 'operation'
      | 'checkpoint'
      | 'format'
      | 'name'
      | 'priority'
      | 'retries'
      | 'deadline'
      | 'key'
      | 'project'
      | 'queue'
      | 'split'
      | 'url'
      | 'token']?: string | undefined
  } & {
    set?: string[] | undefined
    detach?: boolean | undefined
    stratify?: boolean | undefined
  }
  positionals: string[]
}

async function startAndFollow(
  { values, positionals }: Parsed,
  io: CliIo,
  { json, signal }: { json: boolean; signal: AbortSignal },
): Promise<number> {
  const [trainer, ...others] = positionals
  if (trainer === undefined) throw new UsageError('which trainer? Give its name, for example trainyard/tfjs-classifier')
  if (others.length > 0) throw new UsageError(`one trainer at a time: "${others[0]}" is too many`)
  const operation =
    values.operation === undefined ? 'train' : parseChoice(values.operation, Operation.options, '--operation')
  const task =
    values.task === undefined
      ? undefined
      : parseChoice(TASK_TYPE_ALIASES[values.task] ?? values.task, TaskType.options, '--task')
  const request = {
    trainer,
    operation,
    config: parseSettings(values.set ?? []),
    ...defined({
      preset: values.preset,
      model: values.model,
      taskType: task,
      checkpoint: values.checkpoint,
      exportFormat: values.format,
      name: values.name,
      project: values.project,
      queue: values.queue,
      split: parseSplit(values.split, values.stratify),
      idempotencyKey: values.key,
      priority: parseNumber(values.priority, '--priority', { min: -100, max: 100, isWhole: true }),
      maxRetries: parseNumber(values.retries, '--retries', { min: 0, max: 20, isWhole: true }),
      deadlineSeconds: parseNumber(values.deadline, '--deadline', { min: 1, max: 31_536_000, isWhole: true }),
    }),
  }
  CreateJobRequest.parse(request)
  const client = await connect(values, io)
  const paint = createPaint(io.stderr, io.env)
  let dataset = values.dataset
  if (dataset !== undefined && (await isLocal(resolve(io.cwd, dataset)))) {
    const pushed = await pushDataset(
      { client, path: resolve(io.cwd, dataset), project: values.project, signal, silent: json },
      io,
    )
    if (!json)
      io.stderr.write(`dataset ${paint('bold', pushed.id)} ${cleanText(pushed.name)}, ${pushed.counts.images} images\n`)
    dataset = pushed.id
  }
  const created = await client.jobs.create({ ...request, ...defined({ dataset }) })
  if (values.detach) {
    if (json) printJson(io, { job: created })
    else io.stdout.write(`job ${created.id} is ${created.state}. Watch it: trainyard jobs watch ${created.id}\n`)
    return CLI_EXIT_CODES.ok
  }
  if (!json)
    io.stderr.write(
      `job ${paint('bold', String(created.id))} with ${created.trainer.name}@${created.trainer.version}\n`,
    )
  const job = await followJob({ client, id: created.id, io, signal, silent: json })
  if (json) printJson(io, { job })
  else printEnd(job, io)
  if (!isTerminalJobState(job.state)) {
    if (!json) sayItGoesOn(job, io)
    return INTERRUPTED
  }
  if (!json && job.state === 'succeeded') io.stdout.write(`  Get its files: trainyard artifacts pull ${job.id}\n`)
  return exitCodeOf(job)
}

const isLocal = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

/** `0.8/0.1/0.1` */
function parseSplit(text: string | undefined, stratify: boolean | undefined): CreateJobInput['split'] {
  if (text === undefined) {
    if (stratify) throw new UsageError('--stratify goes with --split')
    return undefined
  }
  const [train, val, test, ...others] = text.split('/').map(Number)
  const isWhole = train !== undefined && val !== undefined && test !== undefined && others.length === 0
  if (!isWhole || !(Math.abs(train + val + test - 1) < 1e-6))
    throw new UsageError(`--split is "${text}": wanted are three shares that add up to 1, for example 0.8/0.1/0.1`)
  return { ratios: { train, val, test }, ...defined({ stratify }) }
}

/** `epochs=20` → `{ epochs: 20 }`: JSON where it is JSON, text elsewhere. */
function parseSettings(list: readonly string[]): Record<string, unknown> {
  const settings: Record<string, unknown> = {}
  for (const text of list) {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`--set is "${text}": wanted is NAME=VALUE, for example epochs=20`)
    settings[text.slice(0, at)] = parseValue(text.slice(at + 1))
  }
  return settings
}

function parseValue(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return text
  }
}
