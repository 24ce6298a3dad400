import type { CheckResult, TrainerManifest } from '@trainyard/contract'
import { sql, type Transaction } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { latestOf } from '../versions/semver.ts'
import { statesBefore, verdictOf } from '../versions/states.ts'
import type { ClaimedCheck } from './claim-check.ts'

export interface CheckOutcome {
  results: readonly CheckResult[]
  manifest: TrainerManifest | undefined
  readme: string | undefined
}

/** Ends a check: publishes or rejects the part, in one transaction. Does nothing if the lease is lost. */
export async function finishCheck(context: RegistryContext, check: ClaimedCheck, outcome: CheckOutcome): Promise<void> {
  const { state, reason } = verdictOf(check.kind, outcome.results)
  const now = context.clock.now()
  await context.database.transaction(async (trx) => {
    const { numUpdatedRows } = await trx
      .updateTable('checks')
      .set({
        state,
        results: toJsonText(outcome.results),
        finished_at: now,
        lease_owner: null,
        lease_until: null,
      })
      .where('id', '=', check.id)
      .where('lease_owner', '=', check.leaseOwner)
      .where('finished_at', 'is', null)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) return
    await trx
      .updateTable('version_parts')
      .set({
        state,
        state_reason: reason ?? null,
        manifest: toJsonText(outcome.manifest),
        readme: outcome.readme ?? null,
        published_at: state === 'published' ? now : null,
      })
      .where('version_id', '=', check.version_id)
      .where('kind', '=', check.kind)
      .where('state', 'in', statesBefore(state))
      .execute()
    if (state === 'published') {
      await publishManifest(trx, check.repository_id, check.manifest_digest)
      await refreshRepository(trx, check.repository_id)
    }
    await context.identity.audit(trx, {
      actor: 'acceptance',
      organisation: check.trainer.slice(0, check.trainer.indexOf('/')),
      action: state === 'published' ? 'version.publish' : 'version.reject',
      subject: `${check.trainer}:${check.version}`,
      data: { checkId: check.id, digest: check.manifest_digest, kind: check.kind, reason: reason ?? null },
    })
    await context.database.notify('checks', check.id, trx)
  })
}

/** Publishes a manifest and, for an index, its manifests. This makes the blobs that they refer to readable. */
async function publishManifest(
  trx: Transaction<RegistryDatabase>,
  repositoryId: number,
  digest: string,
): Promise<void> {
  await sql`
    with recursive reachable (digest) as (
      select ${digest}::text
      union
      select r.digest from manifest_references r join reachable on r.manifest_digest = reachable.digest
      where r.repository_id = ${repositoryId} and r.kind = 'manifest'
    )
    update manifests set published = true
    from reachable where manifests.repository_id = ${repositoryId} and manifests.digest = reachable.digest
  `.execute(trx)
}

/** Copies what the catalogue shows of a trainer from the manifest of its latest published version. */
async function refreshRepository(trx: Transaction<RegistryDatabase>, repositoryId: number): Promise<void> {
  await trx.selectFrom('repositories').select('id').where('id', '=', repositoryId).forUpdate().execute()
  const rows = await trx
    .selectFrom('version_parts')
    .innerJoin('versions', 'versions.id', 'version_parts.version_id')
    .select(['versions.version', 'version_parts.manifest', 'version_parts.published_at'])
    .where('version_parts.repository_id', '=', repositoryId)
    .where('version_parts.state', '=', 'published')
    .orderBy('version_parts.kind')
    .execute()
  const latest = latestOf(rows.map((row) => row.version))
  const row = rows.find((candidate) => candidate.version === latest)
  const manifest = row?.manifest
  if (!row || !manifest) return
  await trx
    .updateTable('repositories')
    .set({
      latest_version: row.version,
      display_name: manifest.displayName,
      description: manifest.description,
      framework: manifest.framework,
      license: manifest.license,
      task_types: manifest.taskTypes,
      keywords: manifest.keywords,
      published_at: row.published_at,
    })
    .where('id', '=', repositoryId)
    .execute()
  // PostgreSQL's parser takes a name as one word, but people search for its parts.
  await sql`
    update repositories set search =
      setweight(to_tsvector('simple', translate(name, '/._-', '    ') || ' ' || display_name), 'A') ||
      setweight(to_tsvector('simple', array_to_string(keywords || task_types, ' ') || ' ' || framework), 'B') ||
      setweight(to_tsvector('simple', description), 'C')
    where id = ${repositoryId}
  `.execute(trx)
}
