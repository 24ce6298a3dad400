import { sql } from 'kysely'
import type { RunnerContext } from '../../context.ts'
import { type ClaimOptions, claimStatement } from '../claim-statement.ts'

export interface QueuedJob {
  queue?: string | undefined
  /** The id of a project. */
  owner?: string | undefined
  priority?: number | undefined
  gpus?: number | undefined
}

let clock = 0

/** Queues many jobs for tests and benches, each slightly younger than the one before. Returns their ids. */
export async function queueJobs(
  context: Pick<RunnerContext, 'database'>,
  jobs: readonly QueuedJob[],
): Promise<number[]> {
  const trainer = {
    name: 'acme/plain',
    version: '1.2.3',
    digest: 'sha256:0',
    manifest: { name: 'acme/plain', displayName: 'Plain', framework: 'none', resources: {}, metrics: { primary: {} } },
  }
  const rows = jobs.map(({ queue = 'default', owner = 'prj_none', priority = 0, gpus = 0 }) => ({
    queue,
    owner,
    priority,
    gpus,
    ms: clock++,
  }))
  const { rows: inserted } = await sql<{ id: number }>`
    with added as (
      insert into jobs (state, attempt, operation, task_type, trainer_name, trainer, model, config, primary_metric,
        priority, max_retries, request_hash, trace_id, queue, project_id, gpus, queued_at)
      select 'queued', 1, 'train', 'classification', 'acme/plain', ${JSON.stringify(trainer)}::jsonb, 'tiny',
        '{"basic": {}, "advanced": {}}', '{"name": "accuracy", "goal": "maximize"}',
        r.priority, 0, '', repeat('0', 32), r.queue, r.owner, r.gpus, now() - interval '1 hour' + r.ms * interval '1 ms'
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r (queue text, owner text, priority integer, gpus integer, ms bigint)
      order by r.ms
      returning id
    ),
    opened as (insert into attempts (job_id, attempt) select id, 1 from added)
    select id from added order by id`.execute(context.database.db)
  return inserted.map(({ id }) => id)
}

/** Marks jobs as running on a host without a runner. */
export async function markRunning(
  context: Pick<RunnerContext, 'database'>,
  ids: readonly number[],
  host = 'elsewhere',
): Promise<void> {
  const { db } = context.database
  await sql`update jobs set state = 'running', started_at = now() where id = any(${ids}::bigint[])`.execute(db)
  await sql`update attempts set launched_at = now(), running_since = now(), heard_at = now(), last_heard_at = now(),
    host = ${host}, launcher = 'none' where job_id = any(${ids}::bigint[])`.execute(db)
}

/** Updates the statistics of the planner, as autovacuum does. */
export async function analyzeTables(context: Pick<RunnerContext, 'database'>): Promise<void> {
  await sql`analyze`.execute(context.database.db)
}

/** The lines of the execution plan of a claim. Releases the claimed jobs again. */
export async function explainClaim(context: RunnerContext, options: ClaimOptions): Promise<string[]> {
  const { rows } = await sql<{ 'QUERY PLAN': string }>`
    explain (analyze, buffers, costs off, timing off) ${claimStatement(context, options)}`.execute(context.database.db)
  await releaseClaims(context, options.leaseOwner)
  return rows.map((row) => row['QUERY PLAN'])
}

/** Releases the leases of an owner. */
export async function releaseClaims(context: Pick<RunnerContext, 'database'>, owner: string): Promise<void> {
  await sql`update jobs set lease_owner = null, lease_expires_at = null where lease_owner = ${owner}`.execute(
    context.database.db,
  )
}
