import { resolve } from 'node:path'
import { ConfigError, ValidationError } from '@trainyard/contract/trainer-errors'
import type { Environment } from '../config/read-environment.ts'
import type {
  ExportJob,
  ExportOutcome,
  FetchOptions,
  PredictJob,
  PredictOutcome,
  TrainJob,
  TrainOutcome,
} from '../job.ts'
import { type ChildEvent, parseChildEvent } from './child-event.ts'
import { judgeEnd } from './end-of-child.ts'
import { EVENTS_FD, runChild } from './run-child.ts'
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
}

/** Not passed to the program: it does not need them, and a second sender would break the journal. */
const WITHHELD = ['CALLBACK_URL', 'CALLBACK_TOKEN', 'CALLBACK_TOKEN_FILE']
/** Further invalid lines are only counted. */
const MAX_REPORTED_LINES = 20
const MAX_LAST_ERRORS = 100
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
  readonly #unknownFields = new Set<string>()
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
    this.#uploads = createUploadQueue({
      dir: resolve(job.workDir, 'exec', 'uploads'),
      onUnreadable: ({ file }, error) => job.log.error(`"${file}" cannot be uploaded: ${error.message}`),
    })
  }

  async run(): Promise<TrainOutcome & PredictOutcome & ExportOutcome> {
    const job = this.#job
    const { command, cwd, own, pixels, graceMs } = this.#options
    const [program, ...args] = command
    const as = this.#options.as ?? (job.taskType === 'classification' ? 'imagefolder' : 'dice')
    const jobFile = await writeJobFile(job, { as, own }, pixels)
    job.signal.throwIfAborted()
    const end = await runChild({
      program,
      args,
      cwd,
      env: this.#createEnvironment(jobFile),
      signal: AbortSignal.any([job.signal, this.#violated.signal]),
      graceMs,
      onEvent: (line, isCut) => this.#readLine(line, isCut),
      onOutput: (line, stream) => this.#readOutput(line, stream),
    })
    if (this.#invalidLines > MAX_REPORTED_LINES) {
      job.log.warning(`${this.#invalidLines} of ${this.#lineCount} lines of the events were ignored`)
    }
    if (job.signal.aborted) {
      const timeout = new Promise((done) => setTimeout(done, CANCELLED_UPLOAD_MS).unref())
      await Promise.race([this.#uploads.drain(), timeout])
      job.signal.throwIfAborted()
    }
    this.#violated.signal.throwIfAborted()
    const failure = judgeEnd(program, end, this.#failed, this.#lastErrors)
    const [failedUpload] = await this.#uploads.drain()
    if (failure !== undefined) throw failure
    if (failedUpload !== undefined) throw failedUpload
    return {
      metrics: this.#completed?.metrics ?? this.#metrics,
      bestEpoch: this.#completed?.bestEpoch ?? this.#bestEpoch,
      imageCount: this.#completed?.imageCount,
      metadata: this.#completed?.metadata,
    }
  }

  #createEnvironment(jobFile: string): NodeJS.ProcessEnv {
    const job = this.#job
    const child: NodeJS.ProcessEnv = {
      // Python buffers what it prints to a pipe; logs should appear as they happen.
      PYTHONUNBUFFERED: '1',
      ...this.#options.env,
      OPERATION: job.operation,
      WORK_DIR: job.workDir,
      TRAINYARD_JOB_FILE: jobFile,
      TRAINYARD_EVENTS_FD: String(EVENTS_FD),
    }
    for (const name of WITHHELD) delete child[name]
    return child
  }

  #readLine(line: string, isCut: boolean): void {
    this.#lineCount++
    if (line.trim() === '') return
    if (isCut) {
      this.#ignoreLine('it is longer than 8 MiB; write a file and name it instead')
      return
    }
    const parsed = parseChildEvent(line)
    if (parsed.state === 'invalid') {
      this.#ignoreLine(`${parsed.reason}. It starts with ${JSON.stringify(line.slice(0, 80))}`)
      return
    }
    for (const field of parsed.unknownFields) this.#warnUnknownField(`${parsed.event.type}.${field}`)
    try {
      this.#apply(parsed.event)
    } catch (error) {
      if (!(error instanceof ValidationError)) this.#ignoreLine(error instanceof Error ? error.message : String(error))
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

  #ignoreLine(reason: string): void {
    this.#invalidLines++
    if (this.#invalidLines > MAX_REPORTED_LINES) return
    this.#job.log.warning(`Line ${this.#lineCount} of the events was ignored: ${reason}`)
  }

  /** Warns once for each field. */
  #warnUnknownField(name: string): void {
    if (this.#unknownFields.has(name)) return
    this.#unknownFields.add(name)
    this.#job.log.warning(`Line ${this.#lineCount} of the events has the unknown field "${name}"`)
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
        const { type: _, ...validation } = event
        this.#metrics = { ...this.#metrics, ...event.metrics }
        job.validation(validation)
        break
      }
      case 'checkpoint': {
        if (job.operation !== 'train') throw new ConfigError('"checkpoint" requires the operation train')
        // The current epoch: the upload may start some epochs later.
        const { name, file, metrics, epoch = this.#epoch } = event
        if (name === 'best') this.#bestEpoch = epoch
        this.#upload(`checkpoint ${name}`, file, (copy) => job.checkpoint(name, copy, { epoch, metrics }))
        break
      }
      case 'artifact': {
        const { kind, file, name, contentType, metadata } = event
        const options = { name, contentType, metadata }
        this.#upload(`${kind} ${name ?? file}`, file, (copy) => job.artifact(kind, copy, options))
        break
      }
      case 'log': {
        const { level, message, data, eventType } = event
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

  #upload(key: string, file: string, upload: (copy: string) => Promise<unknown>): void {
    this.#uploads.add({ key, file: resolve(this.#options.cwd, file), upload })
  }
}
