import type { CheckResult, TrainerManifest } from '@trainyard/contract'
import { sql, type Transaction } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { refreshTrainer } from '../search/refresh-trainer.ts'
import { noticedState, statesBefore, verdictOf } from '../versions/states.ts'
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
      await followNotice(trx, check)
      await publishManifest(trx, check.repository_id, check.manifest_digest)
      await refreshTrainer(trx, check.repository_id)
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

/** A part that is published after its version was deprecated or yanked is so too. */
async function followNotice(
  trx: Transaction<RegistryDatabase>,
  { version_id: versionId, kind }: ClaimedCheck,
): Promise<void> {
  const notice = await trx
    .selectFrom('version_notices')
    .select(['deprecation', 'yank_reason'])
    .where('version_id', '=', versionId)
    .executeTakeFirst()
  const state = noticedState(notice)
  if (state === 'published') return
  await trx
    .updateTable('version_parts')
    .set({ state })
    .where('version_id', '=', versionId)
    .where('kind', '=', kind)
    .where('state', 'in', statesBefore(state))
    .execute()
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
