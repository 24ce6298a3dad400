import type { CheckResult, TrainerManifest } from '@trainyard/contract'
import type { Transaction } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { queueEvent } from '../events/queue-event.ts'
import { refreshTrainer } from '../search/refresh-trainer.ts'
import { noticedState, statesBefore, verdictOf } from '../versions/states.ts'
import { trustOf } from '../versions/trust.ts'
import type { ClaimedCheck } from './claim-check.ts'
import { judgeContents, withFindings } from './judge-contents.ts'
import type { ReadmePicture } from './readme-pictures.ts'

export interface CheckOutcome {
  results: readonly CheckResult[]
  manifest: TrainerManifest | undefined
  readme: string | undefined
  readmePictures?: readonly ReadmePicture[] | undefined
  /** Digests of the images that were checked. Publishing a part requires that they are all of its images. */
  checkedImages: readonly string[]
}

/** Ends a check: publishes or rejects the part, in one transaction. Does nothing if the lease is lost. */
export async function finishCheck(context: RegistryContext, check: ClaimedCheck, outcome: CheckOutcome): Promise<void> {
  const now = context.clock.now()
  await context.database.transaction(async (trx) => {
    // Pushes to the repository hold this lock, too: what is published is what was checked.
    await trx.selectFrom('repositories').select('id').where('id', '=', check.repository_id).forUpdate().execute()
    const part = { repositoryId: check.repository_id, digest: check.manifest_digest, kind: check.kind }
    const { contents, findings } = await judgeContents(trx, part, outcome.checkedImages)
    const results = withFindings(outcome.results, findings)
    const { state, reason } = verdictOf(check.kind, results)
    const { numUpdatedRows } = await trx
      .updateTable('checks')
      .set({
        state,
        results: toJsonText(results),
        finished_at: now,
        lease_owner: null,
        lease_until: null,
      })
      .where('id', '=', check.id)
      .where('lease_owner', '=', check.leaseOwner)
      .where('finished_at', 'is', null)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) return
    const updated = await trx
      .updateTable('version_parts')
      .set({
        state,
        state_reason: reason ?? null,
        manifest: toJsonText(outcome.manifest),
        readme: outcome.readme ?? null,
        trust: toJsonText(state === 'published' ? trustOf(results) : null),
        published_at: state === 'published' ? now : null,
      })
      .where('version_id', '=', check.version_id)
      .where('kind', '=', check.kind)
      .where('check_id', '=', check.id)
      .where('state', 'in', statesBefore(state))
      .executeTakeFirstOrThrow()
    if (updated.numUpdatedRows > 0n) await storePictures(trx, check, outcome.readmePictures ?? [])
    if (state === 'published' && updated.numUpdatedRows > 0n) {
      await openContents(trx, check, contents)
      await followNotice(trx, check)
      await refreshTrainer(trx, context.config, check.repository_id)
    }
    const namespace = check.trainer.slice(0, check.trainer.indexOf('/'))
    await context.identity.audit(trx, {
      actor: 'acceptance',
      organisation: namespace,
      action: state === 'published' ? 'version.publish' : 'version.reject',
      subject: `${check.trainer}:${check.version}`,
      data: { checkId: check.id, digest: check.manifest_digest, kind: check.kind, reason: reason ?? null },
    })
    if (updated.numUpdatedRows > 0n)
      await queueEvent(context, trx, {
        namespace,
        type: state === 'published' ? 'version.published' : 'version.rejected',
        data: { ...named(check), digest: check.manifest_digest, checkId: check.id, reason },
      })
    await context.database.notify('checks', check.id, trx)
  })
}

const named = ({ trainer, version, kind }: ClaimedCheck) => ({ trainer, version, kind })

/** Replaces those of an earlier try of the check. */
async function storePictures(
  trx: Transaction<RegistryDatabase>,
  { version_id, kind }: ClaimedCheck,
  pictures: readonly ReadmePicture[],
): Promise<void> {
  await trx.deleteFrom('readme_pictures').where('version_id', '=', version_id).where('kind', '=', kind).execute()
  for (const { path, contentType, content } of pictures)
    await trx
      .insertInto('readme_pictures')
      .values({ version_id, kind, path, content_type: contentType, content })
      .execute()
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

/** From here on, strangers may read exactly these manifests and their blobs. */
async function openContents(
  trx: Transaction<RegistryDatabase>,
  { version_id, kind, repository_id }: ClaimedCheck,
  manifests: readonly string[],
): Promise<void> {
  await trx
    .insertInto('part_manifests')
    .values(manifests.map((digest) => ({ version_id, kind, repository_id, digest })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
