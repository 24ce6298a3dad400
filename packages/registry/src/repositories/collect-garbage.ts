import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { blobKey } from '../oci/names.ts'
import { recheckProofs } from '../ownership/check-proof.ts'
import { pruneDeliveries } from '../webhooks/prune-deliveries.ts'
import { pruneResults } from './prune-results.ts'
import { reviewBlobs } from './reviews.ts'
import { discardUpload, UPLOADS_PREFIX } from './uploads.ts'

const BATCH = 100

/** What one pass removed. */
export interface Collected {
  uploads: number
  links: number
  blobs: number
}

/** Collects regularly, beside pushes and in any number of processes. Call the result to stop. */
export function collectRegularly(context: RegistryContext): () => void {
  let isPassing = false
  const pass = async () => {
    if (isPassing) return
    isPassing = true
    try {
      await collectGarbage(context)
      await pruneResults(context)
      await pruneDeliveries(context)
      await recheckProofs(context)
    } catch (error) {
      context.logger.warn({ err: error }, 'unused blobs could not be collected')
    } finally {
      isPassing = false
    }
  }
  const timer = setInterval(() => void pass(), context.config.collectSeconds * 1000)
  timer.unref()
  return () => clearInterval(timer)
}

/**
 * One pass: uploads that were never finished, links that no manifest of their repository needs, blobs without a link. What was
 * pushed, mounted or asked for within the delay stays.
 */
export async function collectGarbage(context: RegistryContext): Promise<Collected> {
  const uploads = await collectUploads(context)
  const links = await collectLinks(context)
  const blobs = await collectBlobs(context)
  if (uploads + links + blobs > 0) context.logger.info({ uploads, links, blobs }, 'unused blobs were collected')
  return { uploads, links, blobs }
}

async function collectUploads(context: RegistryContext): Promise<number> {
  const oldest = new Date(context.clock.now().getTime() - context.config.uploadSeconds * 1000)
  const { db } = context.database
  const old = await db.selectFrom('uploads').select('id').where('created_at', '<', oldest).limit(BATCH).execute()
  for (const { id } of old) await discardUpload(context, id)
  await db.deleteFrom('upload_reservations').where('expires_at', '<', context.clock.now()).execute()
  // Chunks of requests that a crash interrupted have no row; while a request runs, its upload has one.
  const keys = new Map<string, string[]>()
  for await (const { key } of context.store.list(UPLOADS_PREFIX)) {
    const id = key.slice(UPLOADS_PREFIX.length, UPLOADS_PREFIX.length + UUID_LENGTH)
    keys.set(id, [...(keys.get(id) ?? []), key])
  }
  const ids = [...keys.keys()]
  const live = await db.selectFrom('uploads').select('id').where('id', '=', sql<string>`any(${ids})`).execute()
  for (const { id } of live) keys.delete(id)
  for (const key of [...keys.values()].flat()) await context.store.delete(key)
  return old.length
}

const UUID_LENGTH = 36

async function collectLinks(context: RegistryContext): Promise<number> {
  const { db } = context.database
  let count = 0
  for (;;) {
    const due = await db
      .selectFrom('link_reviews')
      .select('repository_id')
      .distinct()
      .where(isDue(context))
      .limit(BATCH)
      .execute()
    for (const { repository_id } of due) count += await collectLinksOf(context, repository_id)
    if (due.length < BATCH) return count
  }
}

async function collectLinksOf(context: RegistryContext, repositoryId: number): Promise<number> {
  return await context.database.transaction(async (trx) => {
    // A push of a manifest holds this lock while it looks for its blobs and until it refers to them. Pushes of blobs do not wait.
    await trx.selectFrom('repositories').select('id').where('id', '=', repositoryId).forNoKeyUpdate().execute()
    const reviewed = await trx
      .deleteFrom('link_reviews')
      .where('repository_id', '=', repositoryId)
      .where(isDue(context))
      .returning('digest')
      .execute()
    const digests = reviewed.map(({ digest }) => digest)
    const removed = await trx
      .deleteFrom('repository_blobs')
      .where('repository_id', '=', repositoryId)
      .where('digest', '=', sql<string>`any(${digests})`)
      .where(
        sql<boolean>`not exists (select 1 from manifest_references used
          where used.repository_id = repository_blobs.repository_id and used.digest = repository_blobs.digest)`,
      )
      .returning('digest')
      .execute()
    await reviewBlobs(
      trx,
      removed.map(({ digest }) => digest),
    )
    return removed.length
  })
}

async function collectBlobs(context: RegistryContext): Promise<number> {
  let count = 0
  for (;;) {
    const due = await context.database.db
      .selectFrom('blob_reviews')
      .select('digest')
      .where(isDue(context))
      .limit(BATCH)
      .execute()
    for (const { digest } of due) if (await collectBlob(context, digest)) count++
    if (due.length < BATCH) return count
  }
}

async function collectBlob(context: RegistryContext, digest: string): Promise<boolean> {
  return await context.database.transaction(async (trx) => {
    // A push that links the blob waits for this lock, and then finds neither row nor bytes.
    await trx.selectFrom('blobs').select('digest').where('digest', '=', digest).forUpdate().execute()
    await trx.deleteFrom('blob_reviews').where('digest', '=', digest).execute()
    const link = await trx
      .selectFrom('repository_blobs')
      .select('digest')
      .where('digest', '=', digest)
      .limit(1)
      .executeTakeFirst()
    if (link !== undefined) return false
    await context.store.delete(blobKey(digest))
    const { numDeletedRows } = await trx.deleteFrom('blobs').where('digest', '=', digest).executeTakeFirst()
    return numDeletedRows > 0n
  })
}

/** By the database's clock, which wrote the times. */
function isDue({ config }: RegistryContext) {
  return sql<boolean>`queued_at <= now() - make_interval(secs => ${config.collectDelaySeconds})`
}
