import type { Database } from '@trainyard/platform'
import { sql } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'

export interface Counts {
  checks: { waiting: number; running: number; oldestSeconds: number }
  results: { check: string; status: string; count: number }[]
  parts: { kind: string; state: string; count: number }[]
  pulls: { people: number; bots: number }
  blobs: { count: number; bytes: number }
  uploads: number
}

const NO_CHECKS: Counts['checks'] = { waiting: 0, running: 0, oldestSeconds: 0 }

/** What `/metrics` reports of the database. */
export async function readCounts({ db }: Database<RegistryDatabase>): Promise<Counts> {
  const [checks, results, parts, pulls, blobs, uploads] = await Promise.all([
    sql<Counts['checks']>`
      select count(*) filter (where lease_until is null or lease_until < now())::int as waiting,
             count(*) filter (where lease_until >= now())::int as running,
             coalesce(extract(epoch from now() - min(queued_at) filter (where lease_until is null or lease_until < now())), 0)::float8
               as "oldestSeconds"
      from checks where finished_at is null`.execute(db),
    sql<Counts['results'][number]>`
      select result ->> 'name' as check, result ->> 'status' as status, count(*)::int as count
      from checks, jsonb_array_elements(results::jsonb) as result
      where finished_at > now() - interval '1 day' group by 1, 2`.execute(db),
    sql<Counts['parts'][number]>`select kind, state, count(*)::int as count from version_parts group by 1, 2`.execute(
      db,
    ),
    sql<Counts['pulls']>`
      select coalesce(sum(people), 0)::int as people, coalesce(sum(bots), 0)::int as bots
      from daily_pulls where day = (now() at time zone 'utc')::date`.execute(db),
    sql<
      Counts['blobs']
    >`select count(*)::int as count, coalesce(sum(size_bytes), 0)::float8 as bytes from blobs`.execute(db),
    sql<{ count: number }>`select count(*)::int as count from uploads`.execute(db),
  ])
  return {
    checks: checks.rows[0] ?? NO_CHECKS,
    results: results.rows,
    parts: parts.rows,
    pulls: pulls.rows[0] ?? { people: 0, bots: 0 },
    blobs: blobs.rows[0] ?? { count: 0, bytes: 0 },
    uploads: uploads.rows[0]?.count ?? 0,
  }
}
