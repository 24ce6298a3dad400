import { type Kysely, sql, type Updateable } from 'kysely'
import type { ExperimentRow, ExperimentsTable } from '../../db/schema/experiments.ts'
import type { RunnerDatabase } from '../../db/schema/index.ts'
import type { BackendName, ObservabilityAdapter } from '../adapter.ts'

export type ExperimentKey = Pick<ExperimentRow, 'job_id' | 'attempt' | 'backend'>

/** A row can appear late, because of another machine's clock or of a long transaction. */
const MAX_DELAY = "interval '10 minutes'"

/** Creates a row for each attempt to send: those that are open when the backend is enabled first, and all later ones. */
export async function enrolAttempts(db: Kysely<RunnerDatabase>, backend: BackendName): Promise<void> {
  await sql`
    with known as (
      insert into experiment_backends (backend) values (${backend})
      on conflict (backend) do nothing returning since
    ),
    first_time as (
      insert into experiments (job_id, attempt, backend)
      select a.job_id, a.attempt, ${backend} from known, attempts a where a.closed_at is null
      on conflict do nothing
    ),
    mark as (
      select coalesce(max(since), now()) as since from experiment_backends where backend = ${backend}
    ),
    added as (
      insert into experiments (job_id, attempt, backend)
      select a.job_id, a.attempt, ${backend} from mark, attempts a
      where a.created_at > mark.since - ${sql.raw(MAX_DELAY)}
        and not exists (select from experiments e
                        where e.job_id = a.job_id and e.attempt = a.attempt and e.backend = ${backend})
      on conflict do nothing
    )
    update experiment_backends b set since = greatest(b.since, newest.at)
    from (select max(a.created_at) as at from mark, attempts a where a.created_at > mark.since) newest
    where b.backend = ${backend} and newest.at is not null`.execute(db)
}

export interface ClaimDueOptions {
  owner: string
  limit: number
  leaseSeconds: number
  takes: ObservabilityAdapter['takes']
}

/**
 * Claims attempts that have something to send, the longest waiting first. Leases and pauses use the database's clock, which
 * all replicas share.
 */
export async function claimDue(
  db: Kysely<RunnerDatabase>,
  backend: BackendName,
  { owner, limit, leaseSeconds, takes }: ClaimDueOptions,
): Promise<ExperimentKey[]> {
  const ended = sql<boolean>`(a.closed_at is not null and (a.launched_at is null or a.cleaned_at is not null))`
  const hasPoints = sql<boolean>`a.last_seq > e.seq`
  const hasArtifacts = sql<boolean>`
    exists (select from artifacts f
            where f.job_id = e.job_id and f.attempt = e.attempt and f.position > e.artifact_position)`
  const hasLines = sql<boolean>`
    exists (select from logs l where l.job_id = e.job_id and l.attempt = e.attempt and l.id > e.line_id)`
  const conditions = [sql<boolean>`false`]
  if (takes.metrics) conditions.push(hasPoints)
  if (takes.artifacts) conditions.push(hasArtifacts)
  if (takes.lines) conditions.push(hasLines)
  const hasContent = sql<boolean>`(${sql.join(conditions, sql` or `)})`
  const { rows } = await sql<ExperimentKey>`
    with due as (
      select e.job_id, e.attempt
      from experiments e join attempts a on a.job_id = e.job_id and a.attempt = e.attempt
      where e.backend = ${backend} and e.state in ('waiting', 'open')
        and (e.next_try_at is null or e.next_try_at <= now())
        and (e.lease_owner is null or e.lease_expires_at < now())
        and case e.state when 'waiting' then a.heard_at is not null or ${ended} else ${ended} or ${hasContent} end
      order by e.next_try_at nulls first, e.job_id, e.attempt
      limit ${limit}
      for update of e skip locked
    )
    update experiments e set lease_owner = ${owner}, lease_expires_at = now() + make_interval(secs => ${leaseSeconds})
    from due where e.job_id = due.job_id and e.attempt = due.attempt and e.backend = ${backend}
    returning e.job_id, e.attempt, e.backend`.execute(db)
  return rows
}

/** Reads the row and extends its lease. Undefined: another replica has the lease. */
export async function renewLease(
  db: Kysely<RunnerDatabase>,
  key: ExperimentKey,
  owner: string,
  leaseSeconds: number,
): Promise<ExperimentRow | undefined> {
  return await db
    .updateTable('experiments')
    .set({ lease_expires_at: sql<Date>`now() + make_interval(secs => ${leaseSeconds})` })
    .where('job_id', '=', key.job_id)
    .where('attempt', '=', key.attempt)
    .where('backend', '=', key.backend)
    .where('lease_owner', '=', owner)
    .returningAll()
    .executeTakeFirst()
}

/** Stores the position of the backend. False: the lease was lost. */
export async function saveProgress(
  db: Kysely<RunnerDatabase>,
  key: ExperimentKey,
  owner: string,
  values: Updateable<ExperimentsTable>,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('experiments')
    .set(values)
    .where('job_id', '=', key.job_id)
    .where('attempt', '=', key.attempt)
    .where('backend', '=', key.backend)
    .where('lease_owner', '=', owner)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** Releases the lease of one experiment, or all leases of this feed. */
export async function releaseLease(db: Kysely<RunnerDatabase>, owner: string, key?: ExperimentKey): Promise<void> {
  let update = db
    .updateTable('experiments')
    .set({ lease_owner: null, lease_expires_at: null })
    .where('lease_owner', '=', owner)
  if (key !== undefined)
    update = update
      .where('job_id', '=', key.job_id)
      .where('attempt', '=', key.attempt)
      .where('backend', '=', key.backend)
  await update.execute()
}
