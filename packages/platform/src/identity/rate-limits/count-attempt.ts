import { createHash } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { TrainyardError } from '../../errors.ts'
import type { IdentityDatabase } from '../db/schema/index.ts'

export interface AttemptLimit {
  /** Identifies the counter. Stored as a hash, because it contains addresses and emails. */
  key: string
  max: number
  windowSeconds: number
}

/**
 * Counts an attempt before it is made, so that many at once cannot exceed the limit. The counter is in the database and
 * covers all replicas.
 *
 * @throws TrainyardError `rate_limited`
 */
export async function countAttempt(
  db: Kysely<IdentityDatabase>,
  { key, max, windowSeconds }: AttemptLimit,
): Promise<void> {
  const { rows } = await sql<{ count: number; seconds: number }>`
    insert into rate_limits as known (key, count, resets_at)
    values (${hashOf(key)}, 1, now() + make_interval(secs => ${windowSeconds}))
    on conflict (key) do update set
      count = case when known.resets_at < now() then 1 else known.count + 1 end,
      resets_at = case when known.resets_at < now() then excluded.resets_at else known.resets_at end
    returning count, extract(epoch from resets_at - now())::int as seconds`.execute(db)
  const [row] = rows
  if (row === undefined || row.count <= max) return
  const minutes = Math.max(1, Math.ceil(row.seconds / 60))
  throw new TrainyardError('rate_limited', `Too many attempts; wait ${minutes} minute${minutes === 1 ? '' : 's'}`, {
    retryAfterSeconds: Math.max(1, row.seconds),
  })
}

/** Resets the counter after a success, and removes counters that have expired. */
export async function clearAttempts(db: Kysely<IdentityDatabase>, key: string): Promise<void> {
  await sql`delete from rate_limits where key = ${hashOf(key)} or resets_at < now() - interval '1 hour'`.execute(db)
}

/** Takes an attempt that succeeded out of a counter of failures that others share. */
export async function uncountAttempt(db: Kysely<IdentityDatabase>, key: string): Promise<void> {
  await sql`update rate_limits set count = count - 1 where key = ${hashOf(key)} and count > 0`.execute(db)
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
