import { createHash } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { TrainyardError } from '../errors.ts'
import type { IdentityDatabase } from './tables.ts'

export interface TryLimit {
  /** What is limited: kept as a hash, because it holds addresses and emails. */
  key: string
  max: number
  windowSeconds: number
}

/**
 * Counts a try, before its outcome is known: many at once are no way around. In the database, so that all replicas count
 * together.
 *
 * @throws TrainyardError `rate_limited`
 */
export async function takeTry(db: Kysely<IdentityDatabase>, { key, max, windowSeconds }: TryLimit): Promise<void> {
  const { rows } = await sql<{ count: number; seconds: number }>`
    insert into rate_limits as known (key, count, resets_at)
    values (${hashOf(key)}, 1, now() + make_interval(secs => ${windowSeconds}))
    on conflict (key) do update set
      count = case when known.resets_at < now() then 1 else known.count + 1 end,
      resets_at = case when known.resets_at < now() then excluded.resets_at else known.resets_at end
    returning count, extract(epoch from resets_at - now())::int as seconds`.execute(db)
  const [row] = rows
  if (row !== undefined && row.count > max) {
    const minutes = Math.max(1, Math.ceil(row.seconds / 60))
    throw new TrainyardError('rate_limited', `Too many tries; wait ${minutes} minute${minutes === 1 ? '' : 's'}`, {
      retryAfterSeconds: Math.max(1, row.seconds),
    })
  }
}

/** Forgets the tries of whoever got in, and those whose time is over. */
export async function forgetTries(db: Kysely<IdentityDatabase>, key: string): Promise<void> {
  await sql`delete from rate_limits where key = ${hashOf(key)} or resets_at < now() - interval '1 hour'`.execute(db)
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
