import { Digest } from '@trainyard/contract'
import { newId } from '@trainyard/platform'
import type { Transaction } from 'kysely'
import type { RegistryContext } from '../context.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { OciError } from '../oci/errors.ts'
import type { ParsedManifest } from '../oci/manifest-schema.ts'
import { waitingResults } from './check-results.ts'

export interface ReceiveVersionOptions {
  repository: { id: number; name: string }
  version: string
  digest: string
  manifest: ParsedManifest
  /** Recorded in the audit log. */
  pushedBy: string
}

/**
 * Takes a pushed manifest as a version, or as the other part of one, and queues its check. The caller holds the lock on
 * the repository's row. Answers with the id of the check.
 */
export async function receiveVersion(
  trx: Transaction<RegistryDatabase>,
  { identity }: Pick<RegistryContext, 'identity'>,
  { repository, version, digest, manifest, pushedBy }: ReceiveVersionOptions,
): Promise<string> {
  const subject = `${repository.name}:${version}`
  const { kind } = manifest
  if (kind === undefined) {
    throw new OciError(
      'MANIFEST_INVALID',
      `${subject} is neither an image nor a bundle of a trainer; push other things by digest`,
    )
  }
  if (!Digest.safeParse(digest).success) {
    throw new OciError('DIGEST_INVALID', `versions are identified by SHA-256; push ${subject} by its tag`)
  }
  const found = await trx
    .selectFrom('versions')
    .select('id')
    .where('repository_id', '=', repository.id)
    .where('version', '=', version)
    .executeTakeFirst()
  const versionId = found?.id ?? (await insertVersion(trx, repository.id, version, digest))

  const part = await trx
    .selectFrom('version_parts')
    .selectAll()
    .where('version_id', '=', versionId)
    .where('kind', '=', kind)
    .executeTakeFirst()
  if (part && part.manifest_digest !== digest) {
    throw new OciError(
      'DENIED',
      `${subject} exists with another ${kind} (${part.manifest_digest}) and versions are immutable: raise "version" in trainer.json and push that`,
    )
  }
  if (part && !(await isWorthRetrying(trx, part.check_id))) return part.check_id

  const checkId = newId('check')
  if (part) {
    await trx
      .updateTable('version_parts')
      .set({ state: 'received', state_reason: null, check_id: checkId })
      .where('version_id', '=', versionId)
      .where('kind', '=', kind)
      .execute()
  } else {
    await trx
      .insertInto('version_parts')
      .values({
        version_id: versionId,
        kind,
        repository_id: repository.id,
        manifest_digest: digest,
        layer_digest: manifest.bundleLayer?.digest ?? null,
        size_bytes: manifest.sizeBytes,
        state: 'received',
        state_reason: null,
        manifest: 'null',
        readme: null,
        check_id: checkId,
        published_at: null,
      })
      .execute()
  }
  await trx
    .insertInto('checks')
    .values({
      id: checkId,
      version_id: versionId,
      kind,
      repository_id: repository.id,
      manifest_digest: digest,
      state: 'received',
      results: JSON.stringify(waitingResults()),
      lease_owner: null,
      lease_until: null,
      finished_at: null,
    })
    .execute()
  await identity.audit(trx, {
    actor: pushedBy,
    action: 'version.push',
    subject,
    data: { digest, kind, checkId },
  })
  return checkId
}

async function insertVersion(
  trx: Transaction<RegistryDatabase>,
  repositoryId: number,
  version: string,
  digest: string,
): Promise<number> {
  const row = await trx
    .insertInto('versions')
    .values({ repository_id: repositoryId, version, digest })
    .returning('id')
    .executeTakeFirstOrThrow()
  return row.id
}

/** The same push again asks for another try only when the checks broke: findings would be the same. */
async function isWorthRetrying(trx: Transaction<RegistryDatabase>, checkId: string): Promise<boolean> {
  const check = await trx.selectFrom('checks').selectAll().where('id', '=', checkId).executeTakeFirst()
  return check?.state === 'rejected' && check.results.some((result) => result.status === 'errored')
}
