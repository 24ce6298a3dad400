import { resolve } from 'node:path'
import type { Operation, TrainerManifest } from '@trainyard/contract'
import { ConfigError, ValidationError } from '@trainyard/contract/trainer-errors'
import { findManifest } from '../config/find-manifest.ts'
import type { Environment } from '../config/read-environment.ts'
import type { TrainerDefinition } from '../define-trainer.ts'
import type { ExportJob, FetchOptions, PredictJob, TrainJob } from '../job.ts'
import { runTrainer } from '../run-trainer.ts'
import { type ChildEvent, parseChildEvent } from './child-event.ts'
import { judgeEnd } from './end-of-child.ts'
import { EVENTS_FD, runChild } from './run-child.ts'
import { createUploadQueue } from './upload-queue.ts'
import { writeJobFile } from './write-job-file.ts'
import type { PixelKind } from './write-pixels.ts'

export interface ExecTrainerOptions {
  /** The program and its arguments. */
  command: readonly [program: string, ...args: string[]]
  cwd: string
  env: Environment
  /** Arguments of a local run. */
  argv: readonly string[]
  /** How the program gets its dataset. Default: folders of images for classification, else DICE. */
  as?: FetchOptions['as'] | undefined
  /** The dataset as a copy of the job's own. Default false. */
  own?: boolean
  /** Hand the images over as pixels as well. */
  pixels?: PixelKind | undefined
  /** From SIGTERM to SIGKILL, in milliseconds. */
  graceMs: number
  allowNaN?: boolean
}

type AnyJob = TrainJob | PredictJob | ExportJob

/** A job's own: the program has no need of them, and two senders would spoil the journal. */
const WITHHELD = ['CALLBACK_URL', 'CALLBACK_TOKEN', 'CALLBACK_TOKEN_FILE']
/** After so many the rest is only counted. */
const MAX_TOLD_LINES = 20
const MAX_LAST_ERRORS = 100
/** What may still be uploaded after a cancel. */
const CANCELLED_UPLOAD_MS = 4000

/**
 * Runs a program of any language as a trainer: the same session, journal and storage as `runTrainer`, with the program in
 * the place of the handlers. Resolves with the exit code.
 */
export async function execTrainer(options: ExecTrainerOptions): Promise<number> {
  const { env, argv, cwd, allowNaN = false } = options
  let manifest: TrainerManifest | undefined
  try {
    manifest = findManifest(undefined, resolve(cwd, 'program'))
  } catch {
    // Said, and reported, by the session, which looks for it again.
  }
  return runTrainer(defineExecTrainer(options, manifest, allowNaN), { env, argv })
}

function defineExecTrainer(
  options: ExecTrainerOptions,
  manifest: TrainerManifest | undefined,
  allowNaN: boolean,
): TrainerDefinition {
  const can = (operation: Operation) => manifest === undefined || manifest.entrypoints[operation] !== undefined
  return {
    manifest: manifest ?? resolve(options.cwd, 'trainer.json'),
    allowNaN,
    ...(can('train') ? { train: (job: TrainJob) => runProgram(job, options) } : {}),
    ...(can('predict') ? { predict: (job: PredictJob) => runProgram(job, options) } : {}),
    ...(can('export') ? { export: (job: ExportJob) => runProgram(job, options) } : {}),
  }
}

/** What the program said, as far as its end needs it. */
interface Said {
  completed?: Extract<ChildEvent, { type: 'completed' }>
  failed?: Extract<ChildEvent, { type: 'failed' }>
  metrics?: Record<string, number>
  epoch?: number | undefined
  bestEpoch?: number | undefined
}

async function runProgram(job: AnyJob, options: ExecTrainerOptions) {
  const { command, cwd, env, graceMs } = options
  const [program, ...args] = command
  const as = options.as ?? (job.taskType === 'classification' ? 'imagefolder' : 'dice')
  const jobFile = await writeJobFile(job, { as, own: options.own === true }, options.pixels)
  job.signal.throwIfAborted()

  const said: Said = {}
  const lastErrors: string[] = []
  const lines = { count: 0, bad: 0, unknown: new Set<string>() }
  // A number that must not be ends the program too, not only what is reported of it.
  const violated = new AbortController()
  const uploads = createUploadQueue({
    dir: resolve(job.workDir, 'exec', 'uploads'),
    onUnreadable: ({ file }, error) => job.log.error(`"${file}" cannot be uploaded: ${error.message}`),
  })
  const tellBad = (reason: string) => {
    lines.bad++
    if (lines.bad <= MAX_TOLD_LINES) job.log.warning(`Line ${lines.count} of the events is left out: ${reason}`)
  }

  const end = await runChild({
    program,
    args,
    cwd,
    env: childEnvironment(env, job, jobFile),
    signal: AbortSignal.any([job.signal, violated.signal]),
    graceMs,
    onEvent(line, isCut) {
      lines.count++
      if (line.trim() === '') return
      if (isCut) return tellBad('it is longer than 8 MiB; name a file instead')
      const parsed = parseChildEvent(line)
      if (parsed.state === 'bad')
        return tellBad(`${parsed.reason}. It begins with ${JSON.stringify(line.slice(0, 80))}`)
      for (const field of parsed.unknownFields) {
        const name = `${parsed.event.type}.${field}`
        if (lines.unknown.has(name)) continue
        lines.unknown.add(name)
        job.log.warning(`Line ${lines.count} of the events has "${name}", which nobody reads`)
      }
      try {
        apply(job, parsed.event, { said, uploads, cwd })
      } catch (error) {
        if (error instanceof ValidationError && !violated.signal.aborted) violated.abort(error)
        else if (!(error instanceof ValidationError)) tellBad(error instanceof Error ? error.message : String(error))
      }
    },
    onOutput(line, stream) {
      if (stream === 'stderr') {
        lastErrors.push(line)
        if (lastErrors.length > MAX_LAST_ERRORS) lastErrors.shift()
      }
      if (line !== '') job.log.event(stream, line)
    },
  })
  if (lines.bad > MAX_TOLD_LINES) job.log.warning(`${lines.bad} of ${lines.count} lines of the events were left out`)

  if (job.signal.aborted) {
    await Promise.race([uploads.drain(), new Promise((done) => setTimeout(done, CANCELLED_UPLOAD_MS).unref())])
    job.signal.throwIfAborted()
  }
  violated.signal.throwIfAborted()
  const failure = judgeEnd(program, end, said.failed, lastErrors)
  const [lost] = await uploads.drain()
  if (failure !== undefined) throw failure
  if (lost !== undefined) throw lost
  return outcomeOf(said)
}

function apply(
  job: AnyJob,
  event: ChildEvent,
  context: { said: Said; uploads: ReturnType<typeof createUploadQueue>; cwd: string },
): void {
  const { said, uploads, cwd } = context
  switch (event.type) {
    case 'progress': {
      const { type: _, ...progress } = event
      said.epoch = event.epoch ?? said.epoch
      if (event.metrics !== undefined) said.metrics = { ...said.metrics, ...event.metrics }
      job.progress(withoutUndefined(progress))
      break
    }
    case 'validation': {
      if (job.operation !== 'train') throw new ConfigError('"validation" belongs to the operation train')
      const { type: _, ...validation } = event
      said.metrics = { ...said.metrics, ...event.metrics }
      job.validation({ ...withoutUndefined(validation), metrics: event.metrics })
      break
    }
    case 'checkpoint': {
      if (job.operation !== 'train') throw new ConfigError('"checkpoint" belongs to the operation train')
      // The upload may begin when the program is epochs further.
      const { name, file, metrics, epoch = said.epoch } = event
      if (name === 'best') said.bestEpoch = epoch
      uploads.add({
        key: `checkpoint ${name}`,
        file: resolve(cwd, file),
        upload: (copy) => job.checkpoint(name, copy, withoutUndefined({ epoch, metrics })),
      })
      break
    }
    case 'artifact': {
      const { kind, file, name, contentType, metadata } = event
      uploads.add({
        key: `${kind} ${name ?? file}`,
        file: resolve(cwd, file),
        upload: (copy) => job.artifact(kind, copy, withoutUndefined({ name, contentType, metadata })),
      })
      break
    }
    case 'log': {
      const { level, message, data, eventType } = event
      if (eventType === undefined) job.log[level](message, data)
      else job.log.event(eventType, message, withoutUndefined({ level, data }))
      break
    }
    case 'prediction': {
      if (job.operation !== 'predict') throw new ConfigError('"prediction" belongs to the operation predict')
      const { imageName, predictions, inferenceTimeMs } = event
      job.predictions(imageName, predictions, withoutUndefined({ inferenceTimeMs }))
      break
    }
    case 'completed':
      said.completed = event
      break
    case 'failed':
      said.failed = event
  }
}

function outcomeOf({ completed, metrics, bestEpoch }: Said) {
  return withoutUndefined({
    metrics: completed?.metrics ?? metrics,
    bestEpoch: completed?.bestEpoch ?? bestEpoch,
    imageCount: completed?.imageCount,
    metadata: completed?.metadata,
  })
}

function childEnvironment(env: Environment, job: AnyJob, jobFile: string): NodeJS.ProcessEnv {
  const child: NodeJS.ProcessEnv = {
    // Python holds back what it prints into a pipe; logs are to be seen as they happen.
    PYTHONUNBUFFERED: '1',
    ...env,
    OPERATION: job.operation,
    WORK_DIR: job.workDir,
    TRAINYARD_JOB_FILE: jobFile,
    TRAINYARD_EVENTS_FD: String(EVENTS_FD),
  }
  for (const name of WITHHELD) delete child[name]
  return child
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(value: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<Defined<T>>
}
