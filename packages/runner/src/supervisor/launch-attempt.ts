import { bridgeArguments } from '@trainyard/contract'
import { EnvironmentError } from '@trainyard/environments'
import { abortable, DatabaseUnavailable, TrainyardError } from '@trainyard/platform'
import type { Transaction } from 'kysely'
import type { RunnerContext } from '../context.ts'
import type { SourceChecks } from '../datasets/index.ts'
import type { RunnerDatabase } from '../db/schema/index.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { DatasetChanged, NoRoomError, SandboxUnavailable, TrainerUnavailable } from '../errors.ts'
import { endAttempt } from '../jobs/end-attempt.ts'
import { type AttemptEnd, stoppedBeforeStart } from '../jobs/statuses.ts'
import type { AttemptRef, LaunchRequest, TrainerLocation } from '../launchers/launcher.ts'
import { attemptTraceparent } from '../span-ids.ts'
import type { LaunchStage, LaunchVerb } from './launch-stage.ts'
import { releaseLease } from './leases.ts'
import { prepareEnvironment } from './prepare-environment.ts'

export interface LaunchOptions {
  checks: SourceChecks
  /** Aborting it ends the launch, whatever it is doing. The supervisor then ends the attempt for the reason that is stored. */
  signal: AbortSignal
  /** Delays a step until its promise resolves. Default: the steps follow each other at once. */
  before?: ((verb: LaunchVerb) => Promise<void>) | undefined
  /** Called when a stage begins or makes progress. `isWaiting`: it waits for others, not for its own work. */
  onStage?: ((stage: LaunchStage, isWaiting: boolean) => void) | undefined
}

/** Checks the dataset, fetches the trainer and launches it. A failure ends the attempt and is not thrown. */
export async function launchAttempt(context: RunnerContext, ref: AttemptRef, options: LaunchOptions): Promise<void> {
  const { db } = context.database
  const job = await db.selectFrom('jobs').selectAll().where('id', '=', ref.jobId).executeTakeFirst()
  if (job === undefined || job.attempt !== ref.attempt) return
  // Recorded first, so that the attempt is supervised from now on: its lease is renewed, and it can be cancelled. If the runner
  // dies, the next one finds nothing running and launches again.
  if (!(await markLaunched(context, ref))) return
  try {
    await launch(context, job, options)
  } catch (error) {
    if (error instanceof NoRoomError) return await returnToQueue(context, ref)
    // The supervisor finds nothing running, and ends the attempt or launches it again.
    if (options.signal.aborted || error instanceof DatabaseUnavailable) {
      context.logger.info({ err: error, ...ref }, 'a launch was interrupted')
      return
    }
    context.logger.warn({ err: error, ...ref }, 'a trainer could not be launched')
    await context.database.transaction(async (trx) =>
      endAttempt(context, trx, ref, (await endOfStop(trx, ref)) ?? endOf(error)),
    )
  }
  context.hub.changed(ref.jobId)
}

async function launch(
  context: RunnerContext,
  job: JobRow,
  { checks, signal, before = async () => {}, onStage = () => {} }: LaunchOptions,
): Promise<void> {
  // Checked first, so that nothing is fetched for a job whose dataset has changed.
  if (job.snapshot_id !== null) {
    onStage('checking the files of the dataset', true)
    const onProgress = () => onStage('checking the files of the dataset', false)
    await checks.verify(job.snapshot_id, { queuedAt: job.queued_at ?? undefined, signal, onProgress })
  }
  onStage('fetching the trainer', true)
  await abortable(before('prepare'), signal)
  onStage('fetching the trainer', false)
  const fetched = await abortable(launchRequest(context, job), signal)
  signal.throwIfAborted()
  // It has a time limit of its own.
  onStage('preparing the environment', true)
  const request = { ...fetched, environment: await prepareEnvironment(context, job, fetched.trainer, signal) }
  onStage('starting the trainer', true)
  await abortable(before('launch'), signal)
  onStage('starting the trainer', false)
  context.telemetry.attemptLaunched(job.queued_at, context.clock.now())
  const launched = context.launcher.launch(request, { signal })
  try {
    await abortable(launched, signal)
  } catch (error) {
    if (signal.aborted) void removeLate(context, job, launched)
    throw error
  }
}

/** Removes what a launch created after its attempt was ended, and perhaps cleaned up. */
async function removeLate(context: RunnerContext, job: JobRow, launched: Promise<void>): Promise<void> {
  const ref = { jobId: job.id, attempt: job.attempt }
  try {
    await launched.catch(() => {})
    const attempt = await context.database.db
      .selectFrom('attempts')
      .select('closed_at')
      .where('job_id', '=', ref.jobId)
      .where('attempt', '=', ref.attempt)
      .executeTakeFirst()
    if (attempt === undefined || attempt.closed_at !== null) await context.launcher.remove(ref)
  } catch (error) {
    context.logger.warn({ err: error, ...ref }, 'an aborted launch could not be removed; the next start removes it')
  }
}

async function launchRequest(context: RunnerContext, job: JobRow): Promise<LaunchRequest> {
  const { manifest } = job.trainer
  const argv = manifest.entrypoints[job.operation]
  if (argv === undefined) throw new Error(`${manifest.name} has no entry point for "${job.operation}"`)
  const trainer = await locateTrainer(context, job).catch((error: unknown) => {
    throw new TrainerUnavailable(error)
  })
  const token = await context.tokens.issue({
    jobId: job.id,
    attempt: job.attempt,
    expiresInSeconds: context.limits.tokenSeconds,
  })
  const { dataset_id: id, snapshot_id: snapshotId, version_hash: versionHash, split_id: splitId } = job
  const origin = (context.config.callbackUrl ?? context.config.publicUrl).replace(/\/+$/, '')
  return {
    jobId: job.id,
    attempt: job.attempt,
    operation: job.operation,
    callbackUrl: `${origin}/v1/jobs/${job.id}`,
    token: token.value,
    traceId: job.trace_id,
    taskType: job.task_type,
    framework: manifest.framework,
    model: job.model,
    config: job.config,
    dataset:
      id !== null && snapshotId !== null && versionHash !== null
        ? { id, snapshotId, versionHash, splitId: splitId ?? undefined }
        : undefined,
    exportFormat: job.export_format ?? undefined,
    trainer,
    resources: manifest.resources,
    networkHosts: manifest.permissions.network,
    deadlineSeconds: job.deadline_seconds ?? undefined,
    argv,
    bridge: manifest.bridge && bridgeArguments(manifest.bridge),
  }
}

/** Fetches the folder of a bundle. An image is pulled by the launcher. */
async function locateTrainer(context: RunnerContext, job: JobRow): Promise<TrainerLocation> {
  const { trainer, id: jobId, attempt, trace_id: traceId } = job
  if (context.launcher.runs === 'folder') {
    const traceparent = attemptTraceparent({ traceId, jobId, attempt })
    return { type: 'folder', dir: (await context.trainers.fetchBundle(trainer, { traceparent })).dir }
  }
  if (trainer.image !== undefined) return { type: 'image', reference: trainer.image.reference }
  throw new TrainyardError(
    'unprocessable',
    `${trainer.name}@${trainer.version} is a bundle without an image; the ${context.launcher.name} launcher only runs images`,
  )
}

/** Records the launch. False when the attempt was cancelled, closed or launched elsewhere before. */
async function markLaunched(context: RunnerContext, ref: AttemptRef): Promise<boolean> {
  const now = context.clock.now()
  return await context.database.transaction(async (trx) => {
    const job = await trx
      .selectFrom('jobs')
      .select(['attempt', 'state', 'cancel_requested_at'])
      .where('id', '=', ref.jobId)
      .forUpdate()
      .executeTakeFirst()
    if (job?.attempt !== ref.attempt || job.cancel_requested_at !== null) return false
    const { numUpdatedRows } = await trx
      .updateTable('attempts')
      .set({ launched_at: now, token_issued_at: now, launcher: context.launcher.name, host: context.launcher.host })
      .where('job_id', '=', ref.jobId)
      .where('attempt', '=', ref.attempt)
      .where('closed_at', 'is', null)
      // Fetching may take longer than the lease, and another host may have launched the attempt.
      .where((eb) => eb.or([eb('launched_at', 'is', null), eb('host', '=', context.launcher.host)]))
      .executeTakeFirst()
    if (numUpdatedRows > 0n)
      await trx
        .updateTable('jobs')
        .set({ isolation_warning: context.launcher.warning ?? null })
        .where('id', '=', ref.jobId)
        .execute()
    return numUpdatedRows > 0n
  })
}

/** Returns a job that could not be started to the queue, unless it was cancelled meanwhile. */
async function returnToQueue(context: RunnerContext, ref: AttemptRef): Promise<void> {
  await context.launcher.remove(ref)
  await context.database.transaction(async (trx) => {
    // Locks the job's row, so that a cancel either comes first or finds that nothing is launched.
    await releaseLease(trx, ref.jobId)
    const stopped = await endOfStop(trx, ref)
    if (stopped !== undefined) await endAttempt(context, trx, ref, stopped)
    await trx
      .updateTable('attempts')
      .set({ launched_at: null, token_issued_at: null, launcher: null, host: null })
      .where('job_id', '=', ref.jobId)
      .where('attempt', '=', ref.attempt)
      .where('heard_at', 'is', null)
      .execute()
  })
}

/** The end of an attempt that was stopped while it was being launched. Undefined when it was not. */
async function endOfStop(trx: Transaction<RunnerDatabase>, ref: AttemptRef): Promise<AttemptEnd | undefined> {
  const attempt = await trx
    .selectFrom('attempts')
    .select('stop_reason')
    .where('job_id', '=', ref.jobId)
    .where('attempt', '=', ref.attempt)
    .executeTakeFirst()
  const stopReason = attempt?.stop_reason ?? null
  return stopReason === null ? undefined : stoppedBeforeStart(stopReason)
}

function endOf(error: unknown): AttemptEnd {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof DatasetChanged)
    return { reason: 'dataset_changed', error: { errorType: 'DatasetError', message } }
  if (error instanceof SandboxUnavailable) return { reason: 'sandbox_failed', retryable: false, error: { message } }
  if (error instanceof EnvironmentError)
    return { reason: 'environment_error', retryable: error.isTransient, error: { message } }
  if (!(error instanceof TrainerUnavailable)) return { reason: 'launch_failed', error: { message } }
  const isPermanent = error.cause instanceof TrainyardError && !error.cause.retryable
  return {
    reason: 'trainer_unavailable',
    retryable: !isPermanent,
    error: { message: `The trainer could not be fetched: ${message}` },
  }
}
