import type { Check } from '@trainyard/contract'
import { notFound } from '@trainyard/platform'
import type { RegistryCaller } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'

/** Gets a check. Everyone can read the checks of a published version; others are visible only to the owner. */
export async function getCheck(context: RegistryContext, caller: RegistryCaller, id: string): Promise<Check> {
  const row = await context.database.db
    .selectFrom('checks')
    .innerJoin('versions', 'versions.id', 'checks.version_id')
    .innerJoin('repositories', 'repositories.id', 'checks.repository_id')
    .selectAll('checks')
    .select(['versions.version', 'repositories.name'])
    .where('checks.id', '=', id)
    .executeTakeFirst()
  if (!row || (row.state !== 'published' && !caller.may('inspect', row.name))) throw notFound('check', id)
  return {
    id: row.id,
    trainer: row.name,
    version: row.version,
    digest: row.manifest_digest,
    state: row.state,
    checks: row.results,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString(),
  }
}
