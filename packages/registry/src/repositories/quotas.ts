import { randomUUID } from 'node:crypto'
import { lockUntilEnd } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { OciError } from '../oci/errors.ts'
import type { RepositoryRequest } from './repository.ts'

/** What a body without a length reserves at once. */
const STEP_BYTES = 16 * 1024 * 1024

type Requester = Pick<RepositoryRequest, 'context' | 'namespace'>

export interface Needed {
  /** The blob or the manifest that the bytes are to become. It needs no room if the namespace has it. */
  digest?: string | undefined
  /** As far as it is known. */
  sizeBytes: number
}

/** The same body. It reserves what it has beyond its announced size, and fails if the quota has no room for that. */
export type Measure = (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>

/**
 * Does work that adds bytes to a namespace. They are reserved first, so that requests at the same time cannot take the same room,
 * and until the work has ended. If the process ends before, they count until the reservation expires.
 *
 * @throws OciError with the quota, what is used and what is reserved. Docker does not try again after it
 */
export async function withRoom<T>(
  request: Requester,
  needed: Needed,
  work: (measure: Measure) => Promise<T>,
): Promise<T> {
  const { context } = request
  const allowed = context.config.namespaceBytes
  const id = randomUUID()
  const first = { ...needed, id, held: 0 }
  if (allowed === undefined || !(await reserve(request, first, allowed))) return await work((body) => body)
  try {
    return await work((body) => measured(request, body, { id, reserved: needed.sizeBytes, allowed }))
  } finally {
    await context.database.db
      .deleteFrom('upload_reservations')
      .where('id', '=', id)
      .execute()
      .catch((error: unknown) => context.logger.warn({ err: error, id }, 'a reservation stays until it expires'))
  }
}

/** Throws if a namespace has no room at all. */
export async function requireAnyRoom({ context, namespace }: Requester): Promise<void> {
  const allowed = context.config.namespaceBytes
  if (allowed === undefined) return
  const usage = await readUsage(context.database.db, { context, namespace }, '')
  requireRoom(usage, { namespace, allowed, more: 1 })
}

async function* measured(
  request: Requester,
  body: AsyncIterable<Uint8Array>,
  { id, reserved, allowed }: { id: string; reserved: number; allowed: number },
): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0
  let held = reserved
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength
    if (sizeBytes > held) held = await grow(request, { id, held, sizeBytes, allowed })
    yield chunk
  }
}

/** Reserves a step, or what is needed if there is no room for a step. */
async function grow(
  request: Requester,
  { id, held, sizeBytes, allowed }: { id: string; held: number; sizeBytes: number; allowed: number },
): Promise<number> {
  try {
    await reserve(request, { id, held, sizeBytes: sizeBytes + STEP_BYTES }, allowed)
    return sizeBytes + STEP_BYTES
  } catch (error) {
    if (!(error instanceof OciError)) throw error
  }
  await reserve(request, { id, held, sizeBytes }, allowed)
  return sizeBytes
}

/** Returns false for a blob or a manifest that counts already. `held` bytes are reserved under this id. */
async function reserve(
  { context, namespace }: Requester,
  { id, digest = '', sizeBytes, held }: Needed & { id: string; held: number },
  allowed: number,
): Promise<boolean> {
  const expiresAt = new Date(context.clock.now().getTime() + context.config.uploadSeconds * 1000)
  return await context.database.transaction(async (trx) => {
    // Reservations of a namespace wait for each other: each counts those before it.
    await lockUntilEnd(trx, `namespace quota ${namespace}`)
    const usage = await readUsage(trx, { context, namespace }, digest)
    if (usage.isStored) return false
    requireRoom({ ...usage, reserved: usage.reserved - held }, { namespace, allowed, more: sizeBytes })
    await trx
      .insertInto('upload_reservations')
      .values({ id, namespace, size_bytes: sizeBytes, expires_at: expiresAt })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ size_bytes: sizeBytes, expires_at: expiresAt }))
      .execute()
    return true
  })
}

interface Usage {
  /** Bytes of its blobs, each counted once, and of its manifests. */
  used: number
  /** Bytes of uploads that have not ended: those that are stored, and those that are expected. */
  reserved: number
  /** Whether it has the blob or the manifest. */
  isStored: boolean
}

async function readUsage(
  db: RegistryContext['database']['db'],
  { context, namespace }: Requester,
  digest: string,
): Promise<Usage> {
  const now = context.clock.now()
  const oldest = new Date(now.getTime() - context.config.uploadSeconds * 1000)
  const { rows } = await sql<{
    used: string
    manifests: string
    reserved: string
    has_blob: boolean | null
    has_manifest: boolean
  }>`
    select coalesce(sum(size_bytes), 0)::text as used, bool_or(digest = ${digest}) as has_blob,
      (select coalesce(sum(octet_length(m.content)), 0) from manifests m join repositories r on r.id = m.repository_id
        where r.namespace = ${namespace})::text as manifests,
      exists (select from manifests m join repositories r on r.id = m.repository_id
        where r.namespace = ${namespace} and m.digest = ${digest}) as has_manifest,
      (select coalesce(sum(u.size_bytes), 0) from uploads u join repositories r on r.id = u.repository_id
        where r.namespace = ${namespace} and u.created_at > ${oldest})
      + (select coalesce(sum(size_bytes), 0) from upload_reservations
        where namespace = ${namespace} and expires_at > ${now}) as reserved
    from blobs where digest in (
      select link.digest from repository_blobs link
      join repositories r on r.id = link.repository_id where r.namespace = ${namespace})`.execute(db)
  const [row] = rows
  return {
    used: Number(row?.used ?? 0) + Number(row?.manifests ?? 0),
    reserved: Number(row?.reserved ?? 0),
    isStored: row?.has_blob === true || row?.has_manifest === true,
  }
}

function requireRoom(
  { used, reserved }: Usage,
  { namespace, allowed, more }: { namespace: string; allowed: number; more: number },
): void {
  if (used + reserved + more <= allowed) return
  throw new OciError(
    'DENIED',
    `the namespace "${namespace}" uses ${used} of ${allowed} bytes, uploads that have not ended reserve ${reserved}, and ${more} or more are to be added; delete what is not needed, wait for the other uploads, or ask the operator for more`,
    { status: 413, detail: { used, reserved, allowed } },
  )
}
