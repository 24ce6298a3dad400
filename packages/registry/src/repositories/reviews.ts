import type { Database } from '@trainyard/platform'
import { type Kysely, sql, type Transaction } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'

type Executor = Kysely<RegistryDatabase> | Transaction<RegistryDatabase>

/** Queues what a manifest refers to, before the manifest is deleted. */
export async function reviewReferences(
  trx: Executor,
  { repositoryId, digest }: { repositoryId: number; digest: string },
): Promise<void> {
  await sql`
    insert into link_reviews (repository_id, digest)
    select repository_id, digest from manifest_references
    where repository_id = ${repositoryId} and manifest_digest = ${digest} and kind = 'blob'
    on conflict (repository_id, digest) do update set queued_at = now()
  `.execute(trx)
}

/** Queues a blob that lost a link. */
export async function reviewBlobs(trx: Executor, digests: readonly string[]): Promise<void> {
  await sql`
    insert into blob_reviews (digest) select digest from blobs where digest = any(${digests})
    on conflict (digest) do update set queued_at = now()
  `.execute(trx)
}

/** Queues a link that no manifest needs yet, or postpones its review: a client is about to push a manifest with it. */
export async function reviewLink(
  trx: Executor,
  { repositoryId, digest }: { repositoryId: number; digest: string },
): Promise<void> {
  await sql`
    insert into link_reviews (repository_id, digest) values (${repositoryId}, ${digest})
    on conflict (repository_id, digest) do update set queued_at = now()
  `.execute(trx)
}

/** Postpones the review of a link, if it is queued. */
export async function postponeReview(
  { query }: Pick<Database<RegistryDatabase>, 'query'>,
  { repository, digest }: { repository: string; digest: string },
): Promise<void> {
  const text = `
    update link_reviews set queued_at = now()
    where repository_id = (select id from repositories where name = $1) and digest = $2`
  await query({ name: 'postpone-review', text }, [repository, digest])
}
