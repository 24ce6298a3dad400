import { resolve } from 'node:path'
import {
  classifyFailure,
  decodeMetric,
  describeLeftOut,
  type LeftOutField,
  type MetricGoal,
  type TrainerManifest,
} from '@trainyard/contract'
import {
  CheckpointError,
  ConfigError,
  ResourceError,
  TrainerError,
  ValidationError,
} from '@trainyard/contract/trainer-errors'
import type { Environment } from '../config/read-environment.ts'
import type {
  ExportJob,
  ExportOutcome,
  FetchOptions,
  PredictJob,
  PredictOutcome,
  TrainJob,
  TrainOutcome,
  UploadedArtifact,
  Validation,
} from '../job.ts'
import type { ReportedFailure } from '../util/create-trainer-error.ts'
import { type Acknowledgement, createAcknowledgements } from './acknowledgements.ts'
import { type ChildEvent, parseChildEvent } from './child-event.ts'
import { judgeEnd } from './end-of-child.ts'
import { type EventsPipe, openEventsPipe } from './events-pipe.ts'
import { nameMissingModule } from './name-missing-module.ts'
import { EVENTS_FD, MAX_EVENT_LENGTH, runChild } from './run-child.ts'
import { createUploadQueue, type UploadQueue } from './upload-queue.ts'
import { writeJobFile } from './write-job-file.ts'
import type { PixelKind } from './write-pixels.ts'

export type AnyJob = TrainJob | PredictJob | ExportJob

export interface ProgramRunOptions {
  command: readonly [program: string, ...args: string[]]
  cwd: string
  env: Environment
  as?: FetchOptions['as'] | undefined
  own?: boolean | undefined
  pixels?: PixelKind | undefined
  graceMs: number
  /** For the goals of metrics. */
  manifest?: TrainerManifest | undefined
}

/** Not passed to the program: it does not need them, and a second sender would break the journal. */
const WITHHELD = ['CALLBACK_URL', 'CALLBACK_TOKEN', 'CALLBACK_TOKEN_FILE']
/** Further invalid lines are only counted. */
const MAX_REPORTED_LINES = 20
/** Tracebacks of several processes, and what they print after them. */
const MAX_LAST_ERRORS = 500
const MAX_REPORTED_FIELDS = 200
/** Time for uploads after a cancel. */
const CANCELLED_UPLOAD_MS = 4000

/** One run of the program for a job: passes its events on to the job, and judges its end. */
export class ProgramRun {
  readonly #job: AnyJob
  readonly #options: ProgramRunOptions
  readonly #uploads: UploadQueue
  /** A loss of NaN stops the program too. */
  readonly #violated = new AbortController()
  readonly #lastErrors: string[] = []
  /** Fields that were reported once: unknown, or left out. */
  readonly #reportedFields = new Set<string>()
  /** Lines that reported something that the job must not lose, and could not be understood. */
  readonly #lost: Error[] = []
  #acknowledge: (acknowledgement: Acknowledgement) => void = () => {}
  #lineCount = 0
  #invalidLines = 0
  #completed: Extract<ChildEvent, { type: 'completed' }> | undefined
  #failed: Extract<ChildEvent, { type: 'failed' }> | undefined
  #metrics: Record<string, number> | undefined
  #epoch: number | undefined
  #bestEpoch: number | undefined

  constructor(job: AnyJob, options: ProgramRunOptions) {
    this.#job = job
    this.#options = options
    this.#uploads = createUploadQueue({ dir: resolve(job.workDir, 'exec', 'uploads') })
  }

  async run(): Promise<TrainOutcome & PredictOutcome & ExportOutcome> {
    const job = this.#job
    const { command, own, pixels } = this.#options
    const [program] = command
    const as = this.#options.as ?? (job.taskType === 'classification' ? 'imagefolder' : 'dice')
    const jobFile = await writeJobFile(job, { as, own }, pixels)
    job.signal.throwIfAborted()
    this.#acknowledge = createAcknowledgements(this.#acknowledgementsFile)
    const end = await this.#runProgram(jobFile)
    if (this.#invalidLines > MAX_REPORTED_LINES) {
      job.log.warning(`${this.#invalidLines} of ${this.#lineCount} lines of the events were ignored`)
    }
    if (job.signal.aborted) {
      const timeout = new Promise((done) => setTimeout(done, CANCELLED_UPLOAD_MS).unref())
      await Promise.race([this.#uploads.drain(), timeout])
      job.signal.throwIfAborted()
    }
    this.#violated.signal.throwIfAborted()
    const failure = judgeEnd(program, end, this.#failed && toFailure(this.#failed), this.#lastErrors)
    const [failedUpload] = await this.#uploads.drain()
    if (failure !== undefined) throw nameMissingModule(failure, this.#options)
    if (failedUpload !== undefined) throw asTrainerError(failedUpload)
    if (this.#lost[0] !== undefined) throw this.#lost[0]
    return {
      metrics: this.#completed?.metrics ?? this.#metrics,
      bestEpoch: this.#completed?.bestEpoch ?? this.#bestEpoch,
      imageCount: this.#completed?.imageCount,
      metadata: this.#completed?.metadata,
    }
  }

  async #runProgram(jobFile: string) {
    const { command, cwd, graceMs, env } = this.#options
    const [program, ...args] = command
    const onEvent = (line: string, isCut: boolean) => this.#readLine(line, isCut)
    const path = resolve(this.#job.workDir, 'exec', 'events')
    const events = await openEventsPipe({ path, program, env, onLine: onEvent, maxLength: MAX_EVENT_LENGTH })
    if (events === undefined) {
      this.#job.log.warning(
        'TRAINYARD_EVENTS is not set, because neither mkfifo nor python3 nor perl is in PATH; the program can write its events to TRAINYARD_EVENTS_FD',
      )
    }
    try {
      return await runChild({
        program,
        args,
        cwd,
        env: this.#createEnvironment(jobFile, events),
        signal: AbortSignal.any([this.#job.signal, this.#violated.signal]),
        graceMs,
        onEvent,
        events,
        onOutput: (line, stream) => this.#readOutput(line, stream),
      })
    } finally {
      events?.close()
    }
  }

  #goalOf(name: string): MetricGoal {
    const primary = this.#options.manifest?.metrics.primary[this.#job.taskType]
    if (primary?.name === name) return primary.goal
    return /loss|error/i.test(name) ? 'minimize' : 'maximize'
  }

  get #acknowledgementsFile(): string {
    return resolve(this.#job.workDir, 'exec', 'acknowledgements.jsonl')
  }

  #createEnvironment(jobFile: string, events: EventsPipe | undefined): NodeJS.ProcessEnv {
    const job = this.#job
    const child: NodeJS.ProcessEnv = {
      // Python buffers what it prints to a pipe; logs should appear as they happen.
      PYTHONUNBUFFERED: '1',
      ...this.#options.env,
      OPERATION: job.operation,
      WORK_DIR: job.workDir,
      TRAINYARD_JOB_FILE: jobFile,
      TRAINYARD_EVENTS_FD: String(EVENTS_FD),
      TRAINYARD_ACKS_FILE: this.#acknowledgementsFile,
    }
    if (events !== undefined) child.TRAINYARD_EVENTS = events.path
    for (const name of WITHHELD) delete child[name]
    return child
  }

  #readLine(line: string, isCut: boolean): void {
    this.#lineCount++
    if (line.trim() === '') return
    if (isCut) {
      this.#ignoreLine('it is longer than 8 MiB; write a file and name it instead', typeOfText(line))
      return
    }
    const parsed = parseChildEvent(line)
    if (parsed.state === 'invalid') {
      this.#ignoreLine(`${parsed.reason}. It starts with ${JSON.stringify(line.slice(0, 80))}`, typeOfText(line))
      return
    }
    this.#reportFields(parsed.event.type, parsed)
    try {
      this.#apply(parsed.event)
    } catch (error) {
      if (!(error instanceof ValidationError))
        this.#ignoreLine(error instanceof Error ? error.message : String(error), parsed.event.type)
      else if (!this.#violated.signal.aborted) this.#violated.abort(error)
    }
  }

  #readOutput(line: string, stream: 'stdout' | 'stderr'): void {
    if (stream === 'stderr') {
      this.#lastErrors.push(line)
      if (this.#lastErrors.length > MAX_LAST_ERRORS) this.#lastErrors.shift()
    }
    if (line !== '') this.#job.log.event(stream, line)
  }

  /** `type` is that of the event, as far as it is known: a file, a failure or a result that was reported must not get lost. */
  #ignoreLine(reason: string, type: string | undefined): void {
    this.#invalidLines++
    if (type !== undefined && MUST_ARRIVE.has(type)) {
      this.#lost.push(new ValidationError(`Line ${this.#lineCount} of the events, a "${type}", is invalid: ${reason}`))
    }
    if (this.#invalidLines > MAX_REPORTED_LINES) return
    this.#job.log.warning(`Line ${this.#lineCount} of the events was ignored: ${reason}`)
  }

  /** Warns once for each field of a type of events. */
  #reportFields(
    type: string,
    { unknownFields, leftOut }: { unknownFields: readonly string[]; leftOut: readonly LeftOutField[] },
  ): void {
    const where = `Line ${this.#lineCount} of the events`
    for (const field of unknownFields)
      this.#warnOnce(`${type}.${field}`, `${where} has the unknown field "${type}.${field}"`)
    for (const field of leftOut) {
      const text = `${where}, a "${type}": the field ${describeLeftOut(field)}. It was left out, and further ones are without a message`
      this.#warnOnce(`${type}.${field.path.replace(/\.\d+(?=\.|$)/g, '.*')}`, text)
    }
  }

  #warnOnce(field: string, message: string): void {
    if (this.#reportedFields.has(field) || this.#reportedFields.size >= MAX_REPORTED_FIELDS) return
    this.#reportedFields.add(field)
    this.#job.log.warning(message)
  }

  #apply(event: ChildEvent): void {
    const job = this.#job
    switch (event.type) {
      case 'progress': {
        const { type: _, ...progress } = event
        this.#epoch = event.epoch ?? this.#epoch
        if (event.metrics !== undefined) this.#metrics = { ...this.#metrics, ...event.metrics }
        job.progress(progress)
        break
      }
      case 'validation': {
        if (job.operation !== 'train') throw new ConfigError('"validation" requires the operation train')
        const validation = toValidation(event, (name) => this.#goalOf(name))
        this.#metrics = { ...this.#metrics, ...validation.metrics }
        job.validation(validation)
        break
      }
      case 'checkpoint': {
        if (job.operation !== 'train') throw new ConfigError('"checkpoint" requires the operation train')
        // The current epoch: the upload may start some epochs later.
        const { name = 'last', metrics, epoch = this.#epoch } = event
        if (name === 'best') this.#bestEpoch = epoch
        this.#upload(`checkpoint ${name}`, event, (copy) => job.checkpoint(name, copy, { epoch, metrics }))
        break
      }
      case 'artifact': {
        const { kind = 'other', file, name, contentType, metadata } = event
        const options = { name, contentType, metadata }
        this.#upload(`${kind} ${name ?? file}`, event, (copy) => job.artifact(kind, copy, options))
        break
      }
      case 'log': {
        const { level = 'info', message = '', data, eventType } = event
        if (eventType === undefined) job.log[level](message, data)
        else job.log.event(eventType, message, { level, data })
        break
      }
      case 'prediction': {
        if (job.operation !== 'predict') throw new ConfigError('"prediction" requires the operation predict')
        const { imageName, predictions, inferenceTimeMs } = event
        job.predictions(imageName, predictions, { inferenceTimeMs })
        break
      }
      case 'completed':
        this.#completed = event
        break
      case 'failed':
        this.#failed = event
    }
  }

  #upload(
    key: string,
    { type, file, id }: Extract<ChildEvent, { type: 'checkpoint' | 'artifact' }>,
    upload: (copy: string) => Promise<UploadedArtifact>,
  ): void {
    const source = { id, line: this.#lineCount, type, file }
    const { log } = this.#job
    this.#uploads.add({
      key,
      file: resolve(this.#options.cwd, file),
      upload: async (copy) => {
        try {
          return await upload(copy)
        } catch (error) {
          // The program knows its own path, not that of the copy.
          throw withText(error, copy, file)
        }
      },
      onState: (state) => {
        if (state.state !== 'failed') this.#acknowledge({ ...source, ...state })
        else {
          const { message } = state.error
          this.#acknowledge({ ...source, state: 'failed', error: message })
          log.error(message)
        }
      },
    })
  }
}

/** The primary metric can be a name alone; its value is then that of the metrics. */
function toValidation(
  event: Extract<ChildEvent, { type: 'validation' }>,
  goalOf: (name: string) => MetricGoal,
): Validation {
  const { epoch, split, metrics = {}, primary: given, perClass, confusionMatrix } = event
  const value = given?.value === undefined ? given && metrics[given.name] : decodeMetric(given.value)
  if (given === undefined || value === undefined) {
    if (Object.keys(metrics).length === 0)
      throw new ConfigError('a "validation" needs at least one number in "metrics"')
    return { epoch, split, metrics, perClass: toNumbers(perClass), confusionMatrix }
  }
  const { name, goal = goalOf(name) } = given
  return { epoch, split, metrics, primary: { name, value, goal }, perClass: toNumbers(perClass), confusionMatrix }
}

function toNumbers(perClass: Extract<ChildEvent, { type: 'validation' }>['perClass']): Validation['perClass'] {
  if (perClass === undefined) return undefined
  const numbers = (metrics: object) =>
    Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, decodeMetric(value)]))
  return Object.fromEntries(Object.entries(perClass).map(([name, metrics]) => [name, numbers(metrics)]))
}

/** The failure that a program reported, with the type that its message tells if it named none. */
function toFailure(event: Extract<ChildEvent, { type: 'failed' }>): ReportedFailure {
  const { errorType, message, ...rest } = event
  const classified = classifyFailure(message ?? 'The program reported a failure without a message')
  return { ...rest, errorType: errorType ?? classified.errorType ?? 'UnknownError', message: classified.message }
}

/** Events that the job must not lose. */
const MUST_ARRIVE: ReadonlySet<string> = new Set(['checkpoint', 'artifact', 'completed', 'failed'])

/** The type of an event whose line cannot be parsed. */
function typeOfText(line: string): string | undefined {
  return /"type"\s*:\s*"(\w+)"/.exec(line)?.[1]
}

/** A file that could not be read is a problem of this machine or of the program, and not an unknown error. */
function asTrainerError(error: Error): TrainerError {
  if (error instanceof TrainerError) return error
  return new ResourceError(error.message, { cause: error, retryable: true })
}

function withText(error: unknown, copy: string, file: string): unknown {
  if (!(error instanceof TrainerError) || !error.message.includes(copy)) return error
  const message = error.message.replaceAll(copy, file)
  const { retryable } = error
  if (error instanceof CheckpointError) return new CheckpointError(message, { cause: error, retryable })
  if (error instanceof ValidationError) return new ValidationError(message, { cause: error })
  return new ResourceError(message, { cause: error, retryable })
}
