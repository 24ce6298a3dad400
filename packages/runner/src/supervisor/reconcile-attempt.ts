import type { RunnerContext } from '../context.ts'
import type { AttemptRow } from '../db/schema/attempts.ts'
import { endAttempt } from '../jobs/end-attempt.ts'
import type { SupervisedJob } from '../jobs/read-attempts.ts'
import { type AttemptEnd, endOfExit } from '../jobs/statuses.ts'
import type { AttemptRef, Exited, Observation } from '../launchers/launcher.ts'
import { countUsage } from '../usage/count-usage.ts'
import { meterAttempts } from '../usage/meter-attempts.ts'
import { collectOutput, collectRest, errorTail } from './collect-output.ts'
import { decideStep } from './decide-step.ts'
import type { LaunchInProgress } from './launch-stage.ts'
import { releaseLease } from './leases.ts'
import { withMissingModule } from './missing-module.ts'
import { renewToken } from './renew-token.ts'
import type { ResourceSampler } from './resource-sampler.ts'
import type { SpoolDeliveries } from './spool-deliveries.ts'

export interface ReconcileOptions {
  listeningSince: Date
  /** Stops an attempt once, in the background: the loop continues during the grace period. */
  stopInBackground(ref: AttemptRef, graceMs: number): void
  /** Launches an attempt in the background, as soon as a launch can begin. */
  launchInBackground(ref: AttemptRef): void
  abortLaunch(ref: AttemptRef): void
  /** Delivers what ended trainers left. Undefined: nothing is delivered. */
  spools: SpoolDeliveries | undefined
  /** Measures what attempts use. */
  sampler: ResourceSampler
}

/** Compares the desired state in the database with the observed state, and takes the next step. */
export async function reconcileAttempt(
  context: RunnerContext,
  seen: { job: SupervisedJob; attempt: AttemptRow; observation: Observation | LaunchInProgress },
  options: ReconcileOptions,
): Promise<void> {
  const { db } = context.database
  const { job, observation } = seen
  const ref: AttemptRef = { jobId: job.id, attempt: seen.attempt.attempt }
  const attempt = observation.state === 'running' ? await noteRunning(context, seen.attempt) : seen.attempt
  const step = decideStep({
    job,
    attempt,
    observation,
    now: context.clock.now(),
    listeningSince: options.listeningSince,
    settings: { ...context.config, pendingTimeoutSeconds: context.limits.queuedTimeoutSeconds },
  })
  if (observation.state === 'running') {
    options.sampler.sample(attempt)
    await collectOutput(context, job, attempt, { final: false })
    if (attempt.closed_at === null) await renewToken(context, attempt)
  }
  switch (step.type) {
    case 'wait':
      return
    case 'launch':
      return options.launchInBackground(ref)
    case 'abort-launch':
      return options.abortLaunch(ref)
    case 'stop':
      return options.stopInBackground(ref, step.graceMs)
    case 'ask-to-stop': {
      await db
        .updateTable('attempts')
        .set({ stop_reason: step.reason, stop_requested_at: context.clock.now() })
        .where('job_id', '=', ref.jobId)
        .where('attempt', '=', ref.attempt)
        .where('stop_requested_at', 'is', null)
        .execute()
      context.hub.wake()
      return
    }
    case 'end': {
      // What the trainer had not delivered may contain how it ended.
      if (observation.state === 'lost' && options.spools?.isDone(ref) === false) return
      await end(context, ref, step.end)
      if (observation.state === 'running' || observation.state === 'pending')
        options.stopInBackground(ref, context.config.cancelGraceSeconds * 1000)
      if (observation.state === 'launching') options.abortLaunch(ref)
      return
    }
    case 'settle':
      if (attempt.closed_at === null && options.spools?.isDone(ref) === false) return
      await settle(context, job, await readAgain(context, attempt), { exit: step.exit, sampler: options.sampler })
      return options.spools?.forget(ref)
    case 'clean':
      await clean(context, job, attempt)
      return options.spools?.forget(ref)
  }
}

/** The attempt after the delivery of its spool, which can have closed it. */
async function readAgain(context: RunnerContext, attempt: AttemptRow): Promise<AttemptRow> {
  const row = await context.database.db
    .selectFrom('attempts')
    .selectAll()
    .where('job_id', '=', attempt.job_id)
    .where('attempt', '=', attempt.attempt)
    .executeTakeFirst()
  return row ?? attempt
}

/** Records when the process was first observed running. The time before does not count for timeouts. */
async function noteRunning(context: RunnerContext, attempt: AttemptRow): Promise<AttemptRow> {
  if (attempt.running_since !== null) return attempt
  const now = context.clock.now()
  await context.database.db
    .updateTable('attempts')
    .set({ running_since: now })
    .where('job_id', '=', attempt.job_id)
    .where('attempt', '=', attempt.attempt)
    .where('running_since', 'is', null)
    .execute()
  return { ...attempt, running_since: now }
}

async function settle(
  context: RunnerContext,
  job: SupervisedJob,
  attempt: AttemptRow,
  { exit, sampler }: { exit: Exited; sampler: ResourceSampler },
): Promise<void> {
  const ref = { jobId: attempt.job_id, attempt: attempt.attempt }
  await collectRest(context, job, attempt)
  await sampler.measureEnd(ref)
  if (attempt.closed_at === null) {
    const tail = await errorTail(context, ref)
    const how = endOfExit({ ...exit, stopReason: attempt.stop_reason, tail })
    await end(context, ref, await withMissingModule(context, ref, how))
  }
  await clean(context, job, attempt, exit)
}

async function end(context: RunnerContext, ref: AttemptRef, how: AttemptEnd): Promise<void> {
  const outcome = await context.database.transaction((trx) => endAttempt(context, trx, ref, how))
  if (outcome.outcome === 'ended')
    context.logger.info({ ...ref, reason: outcome.reason, next: outcome.next }, 'attempt ended')
  context.hub.changed(ref.jobId)
  context.hub.wake()
}

/** Stores the rest of the output, and removes everything that the ended process left. */
async function clean(context: RunnerContext, job: SupervisedJob, attempt: AttemptRow, exit?: Exited): Promise<void> {
  const ref = { jobId: attempt.job_id, attempt: attempt.attempt }
  if (exit === undefined) await collectRest(context, job, attempt)
  await context.launcher.remove(ref)
  const now = context.clock.now()
  const used = await context.database.transaction(async (trx) => {
    // The lease was for this attempt.
    await releaseLease(trx, ref.jobId)
    await trx
      .updateTable('attempts')
      .set({
        cleaned_at: now,
        ended_at: endOf(attempt, exit?.finishedAt, now),
        exit_code: exit?.exitCode ?? null,
        signal: exit?.signal ?? null,
      })
      .where('job_id', '=', ref.jobId)
      .where('attempt', '=', ref.attempt)
      .execute()
    return await meterAttempts(trx, { now, jobId: ref.jobId })
  })
  countUsage(context, used)
  // A retry waits until the attempt is cleaned up.
  context.hub.wake()
}

/** When the process ended, as far as is known. The time that passed until a runner noticed is not the job's. */
function endOf(attempt: AttemptRow, finishedAt: Date | undefined, now: Date): Date | null {
  const seen = finishedAt ?? attempt.last_heard_at ?? attempt.running_since
  return seen !== null && seen > now ? now : seen
}
