import type { ArtifactKind, RetentionPlan } from '@trainyard/contract'
import { type Caller, projectsFor, requireScope } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RetentionRule } from '../config/retention.ts'
import type { RunnerContext } from '../context.ts'
import { finishDeletions } from '../datasets/index.ts'
import { removeArtifact } from './delete-artifact.ts'

/** An artifact that a rule deletes, with the reason. */
export interface Expired {
  artifactId: string
  jobId: number
  projectId: string
  kind: ArtifactKind
  name: string
  sizeBytes: number
  createdAt: Date
  reason: string
}

interface Candidate {
  id: string
  job_id: number
  project_id: string
  kind: ArtifactKind
  name: string
  size_bytes: string
  completed_at: Date
  /** Position among the artifacts of its kind in its job, newest first, from 1. */
  rank: string
  is_best: boolean
}

const DAY_MS = 86_400_000

/**
 * The artifacts that the rules delete now. Deletes nothing. Keeps artifacts of jobs that have not ended, artifacts from which
 * such a job starts, and artifacts that were exported.
 */
async function planRetention(context: RunnerContext): Promise<Expired[]> {
  const { retention } = context.config
  if (retention === undefined) return []
  const names = await projectNames(context)
  const now = context.clock.now().getTime()
  const expired: Expired[] = []
  for (const row of await listCandidates(context)) {
    const own = retention.projects[row.project_id] ?? retention.projects[names.get(row.project_id) ?? '']
    const rule = own?.[row.kind] ?? retention.default[row.kind]
    const reason = rule && expiryReason(rule, row, now)
    if (reason === undefined) continue
    expired.push({
      artifactId: row.id,
      jobId: row.job_id,
      projectId: row.project_id,
      kind: row.kind,
      name: row.name,
      sizeBytes: Number(row.size_bytes),
      createdAt: row.completed_at,
      reason,
    })
  }
  return expired
}

/** The expired artifacts of the projects that the caller can read. */
export async function getRetentionPlan(context: RunnerContext, caller: Caller): Promise<RetentionPlan> {
  requireScope(caller, 'jobs:read')
  const readable = new Set(projectsFor(caller, 'jobs:read').map(({ id }) => id))
  const expired = (await planRetention(context)).filter(({ projectId }) => readable.has(projectId))
  const artifacts = expired.map(({ createdAt, projectId: _, ...rest }) => ({
    ...rest,
    createdAt: createdAt.toISOString(),
  }))
  return { artifacts, totalBytes: artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
}

/** Deletes what {@link planRetention} lists. Each artifact is checked again under its lock. */
export async function applyRetention(context: RunnerContext): Promise<Expired[]> {
  const removed: Expired[] = []
  for (const expired of await planRetention(context)) {
    const { artifactId, jobId, projectId, kind, name, sizeBytes, reason } = expired
    if (!(await removeArtifact(context, jobId, artifactId)).removed) continue
    context.logger.info({ artifactId, jobId, projectId, kind, name, sizeBytes, reason }, 'artifact expired')
    removed.push(expired)
  }
  if (removed.length > 0) await finishDeletions(context)
  return removed
}

function expiryReason(rule: RetentionRule, row: Candidate, now: number): string | undefined {
  if (row.is_best && rule.keepBest) return undefined
  if (rule.keepLast !== undefined && Number(row.rank) > rule.keepLast)
    return `${Number(row.rank) - 1} newer ones exist; the last ${rule.keepLast} are kept`
  const days = (now - row.completed_at.getTime()) / DAY_MS
  if (rule.days !== undefined && days > rule.days) return `${Math.floor(days)} days old; kept for ${rule.days}`
  return undefined
}

/** A checkpoint is the best one by its name, or by the primary metric of its event. */
async function listCandidates(context: RunnerContext): Promise<Candidate[]> {
  const { rows } = await sql<Candidate>`
    with measured as (
      select events.job_id, events.body->>'artifactId' as id,
        rank() over (
          partition by events.job_id
          order by (events.body->'metrics'->>(jobs.primary_metric->>'name'))::float8
            * (case jobs.primary_metric->>'goal' when 'minimize' then 1 else -1 end)
        ) as rank
      from events join jobs on jobs.id = events.job_id
      where events.type = 'checkpoint' and events.rejected is null
        and jsonb_typeof(events.body->'metrics'->(jobs.primary_metric->>'name')) = 'number'
    )
    select a.id, a.job_id, jobs.project_id, a.kind, a.name, a.size_bytes, a.completed_at,
      row_number() over (partition by a.job_id, a.kind order by a.position desc) as rank,
      a.kind = 'checkpoint' and (
        a.name ~* '(^|/)best([^/a-z][^/]*)?$'
        or exists (select 1 from measured where measured.job_id = a.job_id and measured.id = a.id and measured.rank = 1)
      ) as is_best
    from artifacts a join jobs on jobs.id = a.job_id
    where a.completed_at is not null
      and jobs.state in ('succeeded', 'failed', 'cancelled')
      and not exists (
        select 1 from jobs as users where users.checkpoint_id = a.id
          and (users.state in ('pending', 'queued', 'running') or users.operation = 'export')
      )
    order by a.job_id, a.position`.execute(context.database.db)
  return rows
}

async function projectNames(context: RunnerContext): Promise<Map<string, string>> {
  const rows = await context.identity.database.db
    .selectFrom('projects')
    .innerJoin('organisations', 'organisations.id', 'projects.organisation_id')
    .select(['projects.id', 'projects.slug', 'organisations.slug as organisation'])
    .execute()
  return new Map(rows.map(({ id, slug, organisation }) => [id, `${organisation}/${slug}`]))
}
