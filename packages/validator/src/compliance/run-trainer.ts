import {
  type CreateJobInput,
  isTerminalJobState,
  type Job,
  type TaskType,
  type TrainerManifest,
  type TrainerModel,
} from '@trainyard/contract'
import { EnvironmentError } from '@trainyard/environments'
import { OutOfTimeError, RunnerResponseError, SandboxUnavailableError } from '../errors.ts'
import { chooseSettings } from './choose-settings.ts'
import { countGpus } from './count-gpus.ts'
import { FaultScript } from './faults.ts'
import { findPythonHomes } from './find-python-homes.ts'
import { compareSnapshots, snapshotFolder } from './folder-snapshot.ts'
import { openStage, type Stage } from './open-stage.ts'
import {
  type ComplianceRecord,
  findCheckpoint,
  nameRun,
  type OperationRecord,
  type RunPurpose,
  type Upload,
} from './record.ts'
import { runExport } from './run-export.ts'
import type { TrainerToRun } from './run-place.ts'
import type { SandboxOptions } from './sandbox-choice.ts'
import { canMakeDataset, createTinyDataset, type TinyDataset } from './tiny-dataset.ts'

export interface RunTrainerOptions {
  readonly trainer: TrainerToRun
  readonly manifest: TrainerManifest
  readonly seed: number
  readonly signal: AbortSignal
  /** In terms of `performance.now()`. What runs at that time is stopped. */
  readonly deadline: number
  /** Called before a Python environment is prepared. */
  readonly onPreparing?: (() => void) | undefined
  /** Called with the time that a Python environment took. The deadline is later by that much. */
  readonly onPrepared?: ((preparedMs: number) => void) | undefined
  readonly databaseUrl?: string | undefined
  /** Default: `auto`, without additional hidden folders. */
  readonly sandbox?: Partial<SandboxOptions> | undefined
  readonly onProgress?: ((text: string) => void) | undefined
  /** From SIGTERM to SIGKILL, and from the terminal event to SIGTERM. Default: that of a runner. */
  readonly cancelGraceSeconds?: number | undefined
  /** Default: the GPUs of this machine. */
  readonly gpus?: number | undefined
  /** The operations after training. Default: all. */
  readonly steps?: readonly Step[] | undefined
}

export type Step = 'larger' | 'predict' | 'export' | 'faults' | 'cancel'

export type RunTrainerOutcome =
  | { readonly state: 'done'; readonly record: ComplianceRecord }
  | { readonly state: 'skipped'; readonly reason: string }

const ALL_STEPS: readonly Step[] = ['larger', 'predict', 'export', 'faults', 'cancel']
/** Images of each class of the larger dataset. */
const LARGER = { train: 30, val: 16, test: 4 } as const
/** Images of each class in the dataset of the predictions. */
const HELD_OUT = { train: 5, val: 5, test: 5 } as const
/** How much of an uploaded file is read. */
const MAX_UPLOAD_BYTES = 16 * 1024 * 1024
/** Two epochs are enough to see whether they are counted correctly. */
const EPOCHS = 2
/** On the larger dataset: what works only for a number that is known before is found. */
const LARGER_EPOCHS = 3
/** Enough epochs for the cancel to arrive before the end. */
const CANCEL_EPOCHS = 1000
/** The defaults of a runner, which docs/configuration.md documents: a trainer that keeps them must pass. */
const CANCEL_GRACE_SECONDS = 30
const START_TIMEOUT_SECONDS = 120
/** Reserved for stopping the trainer, cleaning up and the report. */
const RESERVE_MS = 8000
/** A job is read again after that, also where nothing reported a change. */
const MAX_WAIT_MS = 1000

/** Runs a trainer on the real runner: train, predict, export, train with faults, cancel. Rules check the record. */
export async function runTrainer(options: RunTrainerOptions): Promise<RunTrainerOutcome> {
  const { manifest, seed, signal, trainer } = options
  if (!manifest.datasetFormats.includes('dice')) {
    return { state: 'skipped', reason: 'the generated dataset has the format "dice", which is not in "datasetFormats"' }
  }
  const chosen = chooseModel(manifest)
  if (!chosen) {
    const reason = `datasets for ${manifest.taskTypes.join(', ')} cannot be generated yet`
    return { state: 'skipped', reason }
  }
  const needed = manifest.resources.gpu ?? 0
  const present = options.gpus ?? (await countGpus())
  if (needed > present) {
    const reason = `the trainer needs ${needed} ${needed === 1 ? 'GPU' : 'GPUs'}, and this machine has ${present}`
    return { state: 'skipped', reason }
  }
  const { cancelGraceSeconds = CANCEL_GRACE_SECONDS } = options
  options.onProgress?.('starting the platform')
  const datasets = await createDatasets(chosen.task, seed)
  signal.throwIfAborted()
  const stage = await openStage({
    trainer,
    manifest,
    startTimeoutSeconds: START_TIMEOUT_SECONDS,
    cancelGraceSeconds,
    sandbox: { choice: 'auto', hiddenDirs: [], readPaths: await findReadPaths(trainer), ...options.sandbox },
    databaseUrl: options.databaseUrl,
    onProgress: options.onProgress,
  })
  let record: ComplianceRecord
  try {
    const { preparedMs, environmentProblem } = await prepareEnvironment(stage, options)
    const before = await snapshot(stage)
    const plan = { ...options, ...chosen, datasets, deadline: options.deadline + preparedMs }
    const { operations, unfinished } =
      environmentProblem === undefined ? await runOperations(stage, plan) : { operations: [], unfinished: undefined }
    record = {
      manifest,
      task: chosen.task,
      heldOut: datasets.heldOut,
      isSeeded: chooseSettings(manifest, chosen.model, EPOCHS, seed).config.seed !== undefined,
      operations,
      environmentProblem,
      unfinished,
      exported: await runExport(operations, datasets.heldOut),
      folderChanges: compareSnapshots(before, await snapshot(stage)),
      strayFiles: await stage.listElsewhere(),
      sandboxNote: stage.sandboxNote,
      credentials: [...new Set([...stage.launcher.tokens, ...stage.traffic.credentials])],
      cancelGraceMs: cancelGraceSeconds * 1000,
      timeline: stage.traffic.timeline,
    }
  } catch (error) {
    await stage.close().catch(() => undefined)
    throw error
  }
  // A failed cleanup does not invalidate the record.
  await stage.close().catch((error: unknown) => stage.traffic.note('note', String(error)))
  return { state: 'done', record }
}

async function snapshot({ trainerDir }: Stage) {
  return trainerDir === undefined ? new Map() : await snapshotFolder(trainerDir)
}

async function findReadPaths(trainer: TrainerToRun): Promise<string[]> {
  return 'image' in trainer ? [] : await findPythonHomes(trainer.dir)
}

/** A problem of the trainer is part of the record. One of this machine, such as an index that does not answer, is thrown. */
async function prepareEnvironment(
  stage: Stage,
  { manifest, signal, onProgress, onPreparing, onPrepared }: RunTrainerOptions,
): Promise<{ preparedMs: number; environmentProblem?: ComplianceRecord['environmentProblem'] }> {
  if (manifest.runtime === undefined) return { preparedMs: 0 }
  onProgress?.('preparing the environment')
  onPreparing?.()
  const begunAt = performance.now()
  try {
    await stage.prepareEnvironment(signal)
  } catch (error) {
    if (!(error instanceof EnvironmentError) || error.isTransient || error.code === 'uv_missing') throw error
    const { message, file, line } = error
    return { preparedMs: 0, environmentProblem: { message, file, line } }
  }
  const preparedMs = performance.now() - begunAt
  onPrepared?.(preparedMs)
  return { preparedMs }
}

function chooseModel(manifest: TrainerManifest): { task: TaskType; model: TrainerModel } | undefined {
  for (const task of manifest.taskTypes) {
    const fitting = manifest.models.filter((model) => model.taskTypes.includes(task))
    // The smallest model, if sizes are given.
    const model = fitting.toSorted((a, b) => (a.parameters ?? Infinity) - (b.parameters ?? Infinity))[0]
    if (model && canMakeDataset(task)) return { task, model }
  }
  return undefined
}

interface Datasets {
  readonly plain: TinyDataset
  /** More images, with random labels: no trainer can learn them. */
  readonly larger: () => Promise<TinyDataset>
  /** To predict. Its labels are wrong, so that who copies them is wrong too. */
  readonly heldOut: TinyDataset
}

async function createDatasets(task: TaskType, seed: number): Promise<Datasets> {
  const classSeed = seed
  return {
    plain: await createTinyDataset(task, seed, { classSeed }),
    larger: () => createTinyDataset(task, seed + 1, { labels: 'random', classSeed, perClass: LARGER }),
    heldOut: await createTinyDataset(task, seed + 2, { labels: 'wrong', classSeed, perClass: HELD_OUT }),
  }
}

interface Plan extends RunTrainerOptions {
  readonly task: TaskType
  readonly model: TrainerModel
  readonly datasets: Datasets
}

async function runOperations(stage: Stage, plan: Plan): Promise<Pick<ComplianceRecord, 'operations' | 'unfinished'>> {
  const operations: OperationRecord[] = []
  const run: RunStep = async (purpose, input, extra = {}) => {
    if (remaining(plan) <= 0)
      throw new OutOfTimeError(`there was no time left for ${input.operation ?? 'train'} (${purpose})`)
    const record = await runJob(stage, plan, { purpose, input, epochs: undefined, ...extra })
    // The time limit is the validator's: what it interrupted says nothing about the trainer.
    if (record.timedOut && purpose !== 'cancel') {
      const waited = Math.round(record.waitedMs / 1000)
      throw new OutOfTimeError(
        `${nameRun(record)} did not end within ${waited} s, which was left of the time limit; raise it with --timeout`,
      )
    }
    operations.push(record)
    return record
  }
  try {
    await runSteps(stage, plan, run)
  } catch (error) {
    if (!(error instanceof OutOfTimeError)) throw error
    return { operations, unfinished: error.message }
  }
  return { operations, unfinished: undefined }
}

type RunStep = (purpose: RunPurpose, input: CreateJobInput, extra?: Partial<RunDetails>) => Promise<OperationRecord>

async function runSteps(stage: Stage, plan: Plan, run: RunStep): Promise<void> {
  const { manifest, model, seed, datasets, steps = ALL_STEPS } = plan
  const skip = (what: string, reason: string) => stage.traffic.note('note', `skipped ${what}: ${reason}`)
  const upload = async ({ tar, name }: TinyDataset) => (await stage.api.uploadDataset(tar, name)).id
  const { config, epochs } = chooseSettings(manifest, model, EPOCHS, seed)
  const base = { trainer: manifest.name, model: model.name, taskType: plan.task, config }
  const training = { ...base, dataset: await upload(datasets.plain) }
  const trained = await run('plain', training, { epochs })
  if (trained.job.state !== 'succeeded') return skip('everything after training', 'training did not succeed')
  // Neither the data nor the seed of the first training: nothing of its result can come again by chance.
  const other = chooseSettings(manifest, model, LARGER_EPOCHS, seed + 1)
  const larger = steps.includes('larger')
    ? await run(
        'larger',
        { ...base, config: other.config, dataset: await upload(await datasets.larger()) },
        { epochs: other.epochs },
      )
    : undefined
  const checkpoints = { plain: findCheckpoint(trained)?.id, swapped: larger && findCheckpoint(larger)?.id }
  if (checkpoints.plain === undefined) skip('predict and export', 'training left no checkpoint')
  const dataset = steps.some((step) => step === 'predict' || step === 'export') ? await upload(datasets.heldOut) : ''
  for (const purpose of ['plain', 'swapped'] as const) {
    const checkpoint = checkpoints[purpose]
    if (checkpoints.plain === undefined || checkpoint === undefined) continue
    const input = { ...base, dataset, checkpoint }
    if (steps.includes('predict')) {
      if (!manifest.entrypoints.predict) skip('predict', 'the entry point does not exist')
      else await run(purpose, { ...input, operation: 'predict' })
    }
    const exportFormat = manifest.exportFormats[0]
    if (steps.includes('export')) {
      if (!manifest.entrypoints.export || exportFormat === undefined)
        skip('export', 'the entry point or the export format does not exist')
      else await run(purpose, { ...input, operation: 'export', exportFormat }, { exportFormat })
    }
  }
  if (steps.includes('faults')) await run('faults', training, { epochs, script: new FaultScript(seed) })
  if (!steps.includes('cancel')) return
  const long = chooseSettings(manifest, model, CANCEL_EPOCHS, seed)
  if (long.epochs === undefined) skip('cancel', 'there is no setting for the number of epochs')
  else await run('cancel', { ...training, config: long.config }, { epochs: long.epochs })
}

interface RunDetails {
  readonly purpose: RunPurpose
  readonly input: CreateJobInput
  readonly epochs: number | undefined
  readonly exportFormat?: string | undefined
  readonly script?: FaultScript | undefined
}

/** Creates a job, waits for its end, and collects its record. */
async function runJob(stage: Stage, plan: Plan, details: RunDetails): Promise<OperationRecord> {
  const { api, traffic, launcher } = stage
  const { purpose, input, script } = details
  const operation = input.operation ?? 'train'
  plan.onProgress?.(purpose === 'plain' ? operation : `${operation} (${purpose})`)
  const startedAt = performance.now()
  const created = await api.createJob(input).catch((error: unknown) => {
    if (error instanceof RunnerResponseError && error.status < 500) {
      throw new Error(`the runner rejected the test job for this trainer: ${error.message}`)
    }
    throw error
  })
  const ref = { jobId: created.id, attempt: created.attempt }
  traffic.note('process', `job ${created.id}: ${operation}${purpose === 'plain' ? '' : ` (${purpose})`}`)
  // The supervisor launches the job later, so the faults are set in time.
  if (script) traffic.setFaults({ jobId: created.id, script })
  const { job, timedOut } = await waitForEnd(stage, plan, { created, purpose }).finally(() =>
    traffic.setFaults(undefined),
  )
  if (job.endReason === 'sandbox_failed')
    throw new SandboxUnavailableError(job.error?.message ?? 'the sandbox did not start')
  const { end, output, outputBytes } = await launcher.watched(ref)
  traffic.note('process', `job ${created.id}: ${job.state}, ${end ? `exit code ${end.exitCode}` : 'exit not observed'}`)
  const artifacts = await api.listArtifacts(created.id)
  return {
    operation,
    purpose,
    job,
    events: await api.listEvents(created.id),
    artifacts,
    uploads: await readUploads(stage, artifacts),
    end,
    output,
    outputBytes,
    processes: await stage.processes.seen(ref),
    requests: traffic.requests(created.id),
    datasetRequests: traffic.datasetRequests(created.id),
    datasetChanges: await stage.datasets.close(),
    refusedHosts: stage.takeRefusedHosts(),
    timedOut,
    waitedMs: performance.now() - startedAt,
    epochs: details.epochs,
    exportFormat: details.exportFormat,
    faults: script?.record,
  }
}

async function readUploads(stage: Stage, artifacts: OperationRecord['artifacts']): Promise<Upload[]> {
  const uploads: Upload[] = []
  for (const { id, kind, name, sizeBytes, sha256, url } of artifacts)
    uploads.push({ id, kind, name, sizeBytes, sha256, head: await stage.readStored(url, MAX_UPLOAD_BYTES) })
  return uploads
}

/** Waits for the end of a job. Cancels it when the validation is cancelled, the time is up, or the purpose is to cancel. */
async function waitForEnd(
  stage: Stage,
  plan: Plan,
  { created, purpose }: { created: Job; purpose: RunPurpose },
): Promise<{ job: Job; timedOut: boolean }> {
  const { api, traffic } = stage
  let timedOut = false
  let cancelled = false
  for (;;) {
    const jobId = purpose === 'cancel' && !cancelled ? created.id : undefined
    const changed = stage.nextChange({ jobId, maxMs: MAX_WAIT_MS })
    const job = await api.getJob(created.id)
    if (isTerminalJobState(job.state)) return { job, timedOut }
    if (plan.signal.aborted) {
      await api.cancelJob(created.id).catch(() => undefined)
      plan.signal.throwIfAborted()
    }
    if (!timedOut && remaining(plan) <= 0) {
      timedOut = true
      await api.cancelJob(created.id)
    }
    if (purpose === 'cancel' && !cancelled && (await hasStarted(stage, job))) {
      cancelled = true
      traffic.note('process', `job ${created.id}: cancel`)
      await api.cancelJob(created.id)
    }
    await changed
  }
}

/** Whether training has started, so that there is something to cancel. */
async function hasStarted({ api }: Stage, job: Job): Promise<boolean> {
  if (job.state !== 'running') return false
  const events = await api.listEvents(job.id)
  return events.some(({ type }) => type === 'started')
}

function remaining({ deadline }: Plan): number {
  return deadline - RESERVE_MS - performance.now()
}
