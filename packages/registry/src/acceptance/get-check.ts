import type { Check } from '@trainyard/contract'
import { notFound } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { isPartReadable } from '../versions/readable.ts'
import { findAppeal } from './appeals.ts'

/** Gets a check. Everyone can read the check of a part that is published; others are visible only to the owner and to moderators. */
export async function getCheck(context: RegistryContext, caller: RegistryCaller, id: string): Promise<Check> {
  const row = await context.database.db
    .selectFrom('checks')
    .innerJoin('versions', 'versions.id', 'checks.version_id')
    .innerJoin('repositories', 'repositories.id', 'checks.repository_id')
    // A part that was pushed again, or rejected later, has left the check that once published it.
    .leftJoin('version_parts as part', (join) =>
      join.onRef('part.version_id', '=', 'checks.version_id').onRef('part.check_id', '=', 'checks.id'),
    )
    .selectAll('checks')
    .select(sql<boolean>`coalesce(${isPartReadable(context.config, 'part')}, false)`.as('readable'))
    .select(['versions.version', 'repositories.name', 'part.trust'])
    .where('checks.id', '=', id)
    .executeTakeFirst()
  if (!row || (!row.readable && !caller.may('inspect', row.name) && !caller.isModerator)) throw notFound('check', id)
  const appeal = caller.may('inspect', row.name) || caller.isModerator ? await findAppeal(context, id) : undefined
  return {
    id: row.id,
    trainer: row.name,
    version: row.version,
    digest: row.manifest_digest,
    kind: row.kind,
    state: row.state,
    trust: row.state === 'published' ? (row.trust ?? undefined) : undefined,
    checks: row.results,
    appeal,
    mayChange: caller.may('push', row.name),
    mayDecide: caller.isModerator && appeal?.state === 'open' ? true : undefined,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString(),
  }
}
