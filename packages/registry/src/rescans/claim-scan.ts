import type { RescannedCheck } from '@trainyard/contract'
import { type Selectable, sql } from 'kysely'
import type { ClaimedCheck } from '../acceptance/claim-check.ts'
import type { RegistryContext } from '../context.ts'
import type { PartScanTable } from '../db/schema/part-scans.ts'
import { READABLE_STATES } from '../versions/states.ts'

/** A scan beyond the time limit of a check belongs to no process any more. */
const GRACE_SECONDS = 60

/** A published part that this process scans again. */
export interface ClaimedScan {
  scan: Pick<Selectable<PartScanTable>, 'version_id' | 'kind' | 'check_name' | 'forced' | 'tries'>
  lease: string
  /** The check with which it was published. */
  check: ClaimedCheck
}

/**
 * Claims the part to scan next, if this hour's budget allows: latest versions first, the most pulled of them first, then the
 * newest.
 */
export async function claimScan(
  { database, config }: RegistryContext,
  checks: readonly RescannedCheck[],
): Promise<ClaimedScan | undefined> {
  return await database.transaction(async (trx) => {
    // Without turns, processes could each take the last share of the budget.
    await sql`select pg_advisory_xact_lock(hashtext(current_schema() || '.part_scans'))`.execute(trx)
    const { rows: counted } = await sql<{ count: number }>`
      select (select count(*) from part_scans where scanned_at > now() - interval '1 hour')::int
        + (select count(*) from part_scans where due and lease_until > now() and lease is not null)::int as count
    `.execute(trx)
    if ((counted[0]?.count ?? 0) >= (config.rescansPerHour ?? DEFAULT_RESCANS_PER_HOUR)) return undefined
    const seconds = config.checkTimeoutSeconds + GRACE_SECONDS
    const { rows } = await sql<ClaimedScan['scan'] & { lease: string }>`
      update part_scans s set lease = gen_random_uuid()::text, lease_until = now() + make_interval(secs => ${seconds}),
        tries = s.tries + 1
      from (
        select s.version_id, s.kind, s.check_name from part_scans s
          join version_parts p on p.version_id = s.version_id and p.kind = s.kind
          join versions v on v.id = s.version_id join repositories r on r.id = v.repository_id
        where s.due and s.check_name = any(${[...checks]}) and (s.lease_until is null or s.lease_until < now())
          and p.state = any(${[...READABLE_STATES]})
        order by (r.latest_version = v.version) desc nulls last, r.pulls desc, p.published_at desc, s.version_id, s.kind
        limit 1
      ) next
      where s.version_id = next.version_id and s.kind = next.kind and s.check_name = next.check_name
      returning s.version_id, s.kind, s.check_name, s.forced, s.tries, s.lease
    `.execute(trx)
    const [claimed] = rows
    if (claimed === undefined) return undefined
    const check = await trx
      .selectFrom('version_parts')
      .innerJoin('checks', 'checks.id', 'version_parts.check_id')
      .innerJoin('versions', 'versions.id', 'version_parts.version_id')
      .innerJoin('repositories', 'repositories.id', 'versions.repository_id')
      .selectAll('checks')
      .select(['versions.version', 'repositories.name as trainer'])
      .where('version_parts.version_id', '=', claimed.version_id)
      .where('version_parts.kind', '=', claimed.kind)
      .executeTakeFirstOrThrow()
    const { lease, ...scan } = claimed
    return { scan, lease, check: { ...check, leaseOwner: lease } }
  })
}

export const DEFAULT_RESCANS_PER_HOUR = 600

/** Another try after a while: the scanner did not answer. */
export async function postponeScan(
  { database }: RegistryContext,
  { scan, lease }: ClaimedScan,
  { seconds, isLast }: { seconds: number; isLast: boolean },
): Promise<void> {
  await database.db
    .updateTable('part_scans')
    .set({ due: !isLast, lease: null, lease_until: sql`now() + make_interval(secs => ${seconds})` })
    .where('version_id', '=', scan.version_id)
    .where('kind', '=', scan.kind)
    .where('check_name', '=', scan.check_name)
    .where('lease', '=', lease)
    .execute()
}
