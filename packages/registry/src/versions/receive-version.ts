import { Digest, MUTABLE_STATES, type WebhookEvent } from '@trainyard/contract'
import { newId } from '@trainyard/platform'
import type { Transaction } from 'kysely'
import { toJsonText } from '../db/json.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import type { PartKind } from '../db/schema/version-parts.ts'
import { OciError } from '../oci/errors.ts'
import type { ParsedManifest } from '../oci/parse-manifest.ts'
import { endUnfinished, waitingResults } from './check-results.ts'

export interface ReceiveVersionOptions {
  repository: { id: number; name: string }
  version: string
  digest: string
  manifest: ParsedManifest
  /** The subject that pushes. */
  pushedBy?: string | undefined
  now: Date
  /** Writes the audit row of the push. */
  audit: (entry: { action: string; subject: string; data: Record<string, unknown> }) => Promise<void>
  /** Queues the event of the push. */
  announce: (data: WebhookEvent['data']) => Promise<void>
}

/** A part of a version, as it was pushed. */
interface PushedPart {
  versionId: number
  kind: PartKind
  repositoryId: number
  digest: string
  manifest: ParsedManifest
  pushedBy?: string | undefined
}

/**
 * Adds a pushed manifest as a version, or as the second part of an existing one, and queues its check. A part that is not
 * published yet is replaced: a version becomes immutable when it is published. The caller must hold the lock on the repository's row. Returns the id of the check.
 */
export async function receiveVersion(
  trx: Transaction<RegistryDatabase>,
  { repository, version, digest, manifest, now, pushedBy, audit, announce }: ReceiveVersionOptions,
): Promise<string> {
  const subject = `${repository.name}:${version}`
  const { kind } = manifest
  if (kind === undefined) {
    throw new OciError(
      'MANIFEST_INVALID',
      `${subject} is neither an image nor a bundle of a trainer; push other artifacts by digest`,
    )
  }
  if (!Digest.safeParse(digest).success) {
    throw new OciError('DIGEST_INVALID', `versions are identified by SHA-256; push ${subject} by its tag`)
  }
  const versionId = await ensureVersion(trx, { repositoryId: repository.id, version, digest })
  const existing = await trx
    .selectFrom('version_parts')
    .selectAll()
    .where('version_id', '=', versionId)
    .where('kind', '=', kind)
    .executeTakeFirst()
  if (existing && existing.manifest_digest !== digest && !MUTABLE_STATES.includes(existing.state)) {
    throw new OciError(
      'DENIED',
      `${subject} exists with another ${kind} (${existing.manifest_digest}) and versions are immutable: ` +
        'raise "version" in trainer.json and push again',
    )
  }
  const same = existing?.manifest_digest === digest
  if (existing && same && existing.state !== 'rejected') return existing.check_id

  const checkId = newId('check')
  const part: PushedPart = { versionId, kind, repositoryId: repository.id, digest, manifest, pushedBy }
  if (existing) {
    await endReplacedCheck(trx, existing.check_id, now)
    await trx.deleteFrom('version_parts').where('version_id', '=', versionId).where('kind', '=', kind).execute()
    await moveDigest(trx, { versionId, from: existing.manifest_digest, to: digest })
  }
  await insertPart(trx, part, checkId)
  await insertCheck(trx, part, checkId)
  await audit({ action: 'version.push', subject, data: { digest, kind, checkId } })
  await announce({ trainer: repository.name, version, digest, kind, checkId })
  return checkId
}

async function ensureVersion(
  trx: Transaction<RegistryDatabase>,
  { repositoryId, version, digest }: { repositoryId: number; version: string; digest: string },
): Promise<number> {
  const found = await trx
    .selectFrom('versions')
    .select('id')
    .where('repository_id', '=', repositoryId)
    .where('version', '=', version)
    .executeTakeFirst()
  if (found) return found.id
  const inserted = await trx
    .insertInto('versions')
    .values({ repository_id: repositoryId, version, digest })
    .returning('id')
    .executeTakeFirstOrThrow()
  return inserted.id
}

/** Ends the check of a part that is replaced. Its row stays, so that the owner can read what was found. */
async function endReplacedCheck(trx: Transaction<RegistryDatabase>, checkId: string, now: Date): Promise<void> {
  const check = await trx
    .selectFrom('checks')
    .select('results')
    .where('id', '=', checkId)
    .where('finished_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  if (check === undefined) return
  const results = endUnfinished(check.results, 'skipped', 'the version was pushed again with other contents')
  await trx
    .updateTable('checks')
    .set({ state: 'rejected', results: toJsonText(results), finished_at: now, lease_owner: null, lease_until: null })
    .where('id', '=', checkId)
    .execute()
}

/** The version's own digest is that of its first part, also after that was replaced. */
async function moveDigest(
  trx: Transaction<RegistryDatabase>,
  { versionId, from, to }: { versionId: number; from: string; to: string },
): Promise<void> {
  await trx.updateTable('versions').set({ digest: to }).where('id', '=', versionId).where('digest', '=', from).execute()
}

async function insertPart(trx: Transaction<RegistryDatabase>, part: PushedPart, checkId: string): Promise<void> {
  await trx
    .insertInto('version_parts')
    .values({
      version_id: part.versionId,
      kind: part.kind,
      repository_id: part.repositoryId,
      manifest_digest: part.digest,
      layer_digest: part.manifest.bundleLayer?.digest ?? null,
      size_bytes: part.manifest.sizeBytes,
      state: 'received',
      state_reason: null,
      manifest: 'null',
      readme: null,
      trust: 'null',
      check_id: checkId,
      published_at: null,
    })
    .execute()
}

async function insertCheck(trx: Transaction<RegistryDatabase>, part: PushedPart, checkId: string): Promise<void> {
  await trx
    .insertInto('checks')
    .values({
      id: checkId,
      version_id: part.versionId,
      kind: part.kind,
      repository_id: part.repositoryId,
      manifest_digest: part.digest,
      state: 'received',
      results: JSON.stringify(waitingResults(part.kind)),
      lease_owner: null,
      lease_until: null,
      claimed_at: null,
      pushed_by: part.pushedBy ?? null,
      finished_at: null,
    })
    .execute()
}
