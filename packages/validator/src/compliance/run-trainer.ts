import { setTimeout as sleep } from 'node:timers/promises'
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
import { FaultScript } from './faults.ts'
import { findPythonHomes } from './find-python-homes.ts'
import { compareSnapshots, snapshotFolder } from './folder-snapshot.ts'
import { openStage, type Stage } from './open-stage.ts'
import type { ComplianceRecord, OperationRecord, RunPurpose } from './record.ts'
import type { SandboxOptions } from './sandbox-choice.ts'
import { canMakeDataset, createTinyDataset } from './tiny-dataset.ts'

export interface RunTrainerOptions {
  readonly dir: string
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
  /** The operations after training. Default: all. */
  readonly steps?: readonly Step[] | undefined
}

export type Step = 'predict' | 'export' | 'faults' | 'cancel'

export type RunTrainerOutcome =
  | { readonly state: 'done'; readonly record: ComplianceRecord }
  | { readonly state: 'skipped'; readonly reason: string }

const ALL_STEPS: readonly Step[] = ['predict', 'export', 'faults', 'cancel']
/** Two epochs are enough to see whether they are counted correctly. */
const EPOCHS = 2
/** Enough epochs for the cancel to arrive before the end. */
const CANCEL_EPOCHS = 1000
const CANCEL_GRACE_SECONDS = 5
const START_TIMEOUT_SECONDS = 60
/** Reserved for stopping the trainer, cleaning up and the report. */
const RESERVE_MS = CANCEL_GRACE_SECONDS * 1000 + 3000
const POLL_MS = 30

/** Runs a trainer on the real runner: train, predict, export, train with faults, cancel. Rules check the record. */
export async function runTrainer(options: RunTrainerOptions): Promise<RunTrainerOutcome> {
  const { manifest, seed, signal } = options
  if (!manifest.datasetFormats.includes('dice')) {
    return { state: 'skipped', reason: 'the generated dataset has the format "dice", which is not in "datasetFormats"' }
  }
  const chosen = chooseModel(manifest)
  if (!chosen) {
    const reason = `datasets for ${manifest.taskTypes.join(', ')} cannot be generated yet`
    return { state: 'skipped', reason }
  }
  options.onProgress?.('starting the platform')
  const dataset = await createTinyDataset(chosen.task, seed)
  signal.throwIfAborted()
  const stage = await openStage({
    dir: options.dir,
    manifest,
    startTimeoutSeconds: START_TIMEOUT_SECONDS,
    cancelGraceSeconds: CANCEL_GRACE_SECONDS,
    sandbox: { choice: 'auto', hiddenDirs: [], readPaths: await findPythonHomes(options.dir), ...options.sandbox },
    databaseUrl: options.databaseUrl,
    onProgress: options.onProgress,
  })
  let record: ComplianceRecord
  try {
    const { preparedMs, environmentProblem } = await prepareEnvironment(stage, options)
    const before = await snapshotFolder(stage.trainerDir)
    const { id: datasetId } = await stage.api.uploadDataset(dataset.tar, 'tiny')
    const plan = { ...options, ...chosen, datasetId, deadline: options.deadline + preparedMs }
    const { operations, unfinished } =
      environmentProblem === undefined ? await runOperations(stage, plan) : { operations: [], unfinished: undefined }
    record = {
      manifest,
      dataset: { images: dataset.images, classes: dataset.classes },
      operations,
      environmentProblem,
      unfinished,
      folderChanges: compareSnapshots(before, await snapshotFolder(stage.trainerDir)),
      sandboxNote: stage.sandboxNote,
      credentials: [...new Set([...stage.launcher.tokens, ...stage.traffic.credentials])],
      cancelGraceMs: CANCEL_GRACE_SECONDS * 1000,
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

interface Plan extends RunTrainerOptions {
  readonly task: TaskType
  readonly model: TrainerModel
  readonly datasetId: string
}

async function runOperations(stage: Stage, plan: Plan): Promise<Pick<ComplianceRecord, 'operations' | 'unfinished'>> {
  const { manifest, seed, steps = ALL_STEPS } = plan
  const operations: OperationRecord[] = []
  const skip = (what: string, reason: string) => stage.traffic.note('note', `skipped ${what}: ${reason}`)
  const base = { trainer: manifest.name, model: plan.model.name, taskType: plan.task, dataset: plan.datasetId }
  const settings = chooseSettings(manifest, plan.model, EPOCHS, seed)
  const run = async (purpose: RunPurpose, input: CreateJobInput, extra: Partial<RunDetails> = {}) => {
    if (remaining(plan) <= 0)
      throw new OutOfTimeError(`there was no time left for ${input.operation ?? 'train'} (${purpose})`)
    const record = await runJob(stage, plan, { purpose, input, epochs: settings.epochs, ...extra })
    operations.push(record)
    return record
  }
  const runAll = async () => {
    const trained = await run('plain', { ...base, config: settings.config })
    if (trained.job.state !== 'succeeded') return skip('everything after training', 'training did not succeed')
    const checkpoint = findCheckpoint(trained)
    const input = { ...base, config: settings.config, checkpoint }
    if (checkpoint === undefined) skip('predict and export', 'training left no checkpoint')
    if (checkpoint !== undefined && steps.includes('predict')) {
      if (!manifest.entrypoints.predict) skip('predict', 'the entry point does not exist')
      else await run('plain', { ...input, operation: 'predict' })
    }
    const exportFormat = manifest.exportFormats[0]
    if (checkpoint !== undefined && steps.includes('export')) {
      if (!manifest.entrypoints.export || exportFormat === undefined)
        skip('export', 'the entry point or the export format does not exist')
      else await run('plain', { ...input, operation: 'export', exportFormat }, { exportFormat })
    }
    if (steps.includes('faults')) {
      await run('faults', { ...base, config: settings.config }, { script: new FaultScript(seed) })
    }
    if (!steps.includes('cancel')) return
    const long = chooseSettings(manifest, plan.model, CANCEL_EPOCHS, seed)
    if (long.epochs === undefined) skip('cancel', 'there is no setting for the number of epochs')
    else await run('cancel', { ...base, config: long.config }, { epochs: long.epochs })
  }
  try {
    await runAll()
  } catch (error) {
    if (!(error instanceof OutOfTimeError)) throw error
    return { operations, unfinished: error.message }
  }
  return { operations, unfinished: undefined }
}

function findCheckpoint({ artifacts, events }: OperationRecord): string | undefined {
  const saved = artifacts.filter(({ kind }) => kind === 'checkpoint')
  const named = events.filter(({ type }) => type === 'checkpoint')
  const best = named.findLast(({ body }) => body.name === 'best') ?? named.at(-1)
  return saved.find(({ id }) => id === best?.body.artifactId)?.id ?? saved.at(-1)?.id
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
  const { end, output } = await launcher.watched(ref)
  traffic.note('process', `job ${created.id}: ${job.state}, ${end ? `exit code ${end.exitCode}` : 'exit not observed'}`)
  return {
    operation,
    purpose,
    job,
    events: await api.listEvents(created.id),
    artifacts: await api.listArtifacts(created.id),
    end,
    output,
    timedOut,
    waitedMs: performance.now() - startedAt,
    epochs: details.epochs,
    exportFormat: details.exportFormat,
    faults: script?.record,
  }
}

/** Polls a job until it ends. Cancels it when the validation is cancelled, the time is up, or the purpose is to cancel. */
async function waitForEnd(
  stage: Stage,
  plan: Plan,
  { created, purpose }: { created: Job; purpose: RunPurpose },
): Promise<{ job: Job; timedOut: boolean }> {
  const { api, traffic } = stage
  let timedOut = false
  let cancelled = false
  for (;;) {
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
    await sleep(POLL_MS)
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
