import type { Push, PushList, VersionState } from '@trainyard/contract'
import { formatCursor, parseCursor } from '@trainyard/platform'
import { z } from 'zod'
import { type RegistryCaller, requireCredentials } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'

const Cursor = z.tuple([z.iso.datetime(), z.string().max(100)])

export interface ListPushesOptions {
  state?: VersionState | undefined
  cursor?: string | undefined
  /** Default 50. */
  limit?: number | undefined
}

/** The pushes to every namespace whose unpublished versions the caller may see, newest first. */
export async function listPushes(
  { database }: RegistryContext,
  caller: RegistryCaller,
  { state, cursor, limit = 50 }: ListPushesOptions,
): Promise<PushList> {
  requireCredentials(caller)
  const known = await database.db.selectFrom('repositories').select('namespace').distinct().execute()
  const namespaces = known.map(({ namespace }) => namespace).filter((name) => caller.may('inspect', `${name}/any`))
  if (namespaces.length === 0) return { pushes: [] }
  let query = database.db
    .selectFrom('checks')
    .innerJoin('versions', 'versions.id', 'checks.version_id')
    .innerJoin('repositories', 'repositories.id', 'checks.repository_id')
    .leftJoin('version_parts', 'version_parts.check_id', 'checks.id')
    .selectAll('checks')
    .select(['versions.version', 'repositories.name as trainer', 'version_parts.state_reason'])
    .where('repositories.namespace', 'in', namespaces)
    .orderBy('checks.created_at', 'desc')
    .orderBy('checks.id', 'desc')
    .limit(limit + 1)
  if (state !== undefined) query = query.where('checks.state', '=', state)
  if (cursor !== undefined) {
    const [createdAt, id] = parseCursor(Cursor, cursor)
    query = query.where((where) =>
      where(where.refTuple('checks.created_at', 'checks.id'), '<', where.tuple(new Date(createdAt), id)),
    )
  }
  const rows = await query.execute()
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return {
    pushes: rows.slice(0, limit).map((row): Push => {
      const findings = row.results
        .flatMap((result) => result.findings)
        .filter(({ suppressed }) => suppressed === undefined)
      return {
        id: row.id,
        trainer: row.trainer,
        version: row.version,
        kind: row.kind,
        digest: row.manifest_digest,
        state: row.state,
        reason: row.state === 'rejected' ? (row.state_reason ?? undefined) : undefined,
        running: row.results.find(({ status }) => status === 'running')?.name,
        retryAt:
          row.finished_at === null ? row.results.find(({ retryAt }) => retryAt !== undefined)?.retryAt : undefined,
        errors: findings.filter(({ severity }) => severity === 'error').length,
        warnings: findings.filter(({ severity }) => severity === 'warning').length,
        pushedByCaller: row.pushed_by === caller.subject,
        createdAt: row.created_at.toISOString(),
        finishedAt: row.finished_at?.toISOString(),
      }
    }),
    nextCursor: last && formatCursor([last.created_at.toISOString(), last.id]),
  }
}
