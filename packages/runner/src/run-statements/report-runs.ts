import type { EndReason, RunStatement } from '@trainyard/contract'
import { type SigningKeys, signRunStatement } from '@trainyard/platform'
import type { RunnerContext } from '../context.ts'

/** Statements of one round. The next round sends the others. */
const BATCH = 100
const TIMEOUT_MS = 15_000
/** As many that the registry could not take say that it is down, and not that one of them is odd. */
const MAX_FAILURES = 3

/** The failures that a trainer can be blamed for. Others are those of the platform, the settings or the dataset. */
const OWN_FAILURES: readonly (EndReason | null)[] = [
  'training_error',
  'validation_error',
  'environment_error',
  'out_of_memory',
  'storage_limit',
  'deadline',
  'heartbeat_lost',
  'exited_without_result',
]

interface EndedRun {
  id: number
  attempt: number
  /** Undefined for a job that ended before its trainer ran, or failed for another reason than its trainer. */
  statement: RunStatement | undefined
}

/**
 * States to the registry how the last runs of its trainers ended. A statement that the registry refuses is not sent again; one
 * that it could not take is.
 */
export async function reportRuns(context: RunnerContext, keys: SigningKeys): Promise<void> {
  const { registryUrl } = context.config
  if (registryUrl === undefined) return
  let failures = 0
  for (const run of await findUnreported(context)) {
    if (failures === MAX_FAILURES) return
    if (
      run.statement !== undefined &&
      !(await send(context, registryUrl, await signRunStatement(keys, run.statement)))
    ) {
      failures += 1
      continue
    }
    await context.database.db
      .updateTable('jobs')
      .set({ reported_attempt: run.attempt })
      .where('id', '=', run.id)
      .where('reported_attempt', '<', run.attempt)
      .execute()
  }
}

async function findUnreported({ database, instanceId }: RunnerContext): Promise<EndedRun[]> {
  const rows = await database.db
    .selectFrom('jobs')
    .innerJoin('attempts', (join) =>
      join.onRef('attempts.job_id', '=', 'jobs.id').onRef('attempts.attempt', '=', 'jobs.attempt'),
    )
    .select(['jobs.id', 'jobs.attempt', 'jobs.state', 'jobs.operation', 'jobs.trainer', 'jobs.created_by'])
    .select(['jobs.finished_at', 'jobs.end_reason', 'attempts.running_since', 'attempts.launcher'])
    .where('jobs.finished_at', 'is not', null)
    .whereRef('jobs.reported_attempt', '<', 'jobs.attempt')
    .orderBy('jobs.id')
    .limit(BATCH)
    .execute()
  return rows.map((row): EndedRun => {
    const { id, attempt, state, running_since: since, finished_at: end, trainer } = row
    const isOver = state === 'succeeded' || state === 'failed' || state === 'cancelled'
    const digest = (row.launcher === 'subprocess' ? trainer.bundle : (trainer.image ?? trainer.bundle))?.digest
    const isBlameless = state === 'failed' && !OWN_FAILURES.includes(row.end_reason)
    if (since === null || end === null || !isOver || isBlameless) return { id, attempt, statement: undefined }
    return {
      id,
      attempt,
      statement: {
        jti: `${instanceId}:${id}:${attempt}`,
        sub: row.created_by ?? undefined,
        iat: Math.floor(end.getTime() / 1000),
        trainer: trainer.name,
        version: trainer.version,
        digest: digest ?? trainer.digest,
        operation: row.operation,
        outcome: state,
        seconds: Math.max(0, (end.getTime() - since.getTime()) / 1000),
      },
    }
  })
}

/** False if it has to be sent again. */
async function send({ logger }: RunnerContext, registryUrl: string, statement: string): Promise<boolean> {
  const response = await fetch(new URL('/v1/runs', registryUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ statement }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: unknown) => {
    logger.warn({ err: error }, 'the registry cannot be told how a run ended; will retry')
    return undefined
  })
  if (response === undefined) return false
  const text = await response.text().catch(() => '')
  if (response.ok) return true
  const { status } = response
  const mayPass = status >= 500 || status === 429 || status === 408
  logger.warn({ status, answer: text.slice(0, 500) }, 'the registry does not take the statement of a run')
  return !mayPass
}
