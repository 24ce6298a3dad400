import type { CheckScanner, RescannedCheck } from '@trainyard/contract'
import { sql, type Transaction } from 'kysely'
import type { RegistryContext } from '../context.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'
import { READABLE_STATES } from '../versions/states.ts'
import { scannerKey } from './current-scanner.ts'

/** Queues what is published when the scanner is not the one of the last time. Returns whether it is another one. */
export async function queueWhenChanged(
  { database }: RegistryContext,
  check: RescannedCheck,
  scanner: CheckScanner,
): Promise<boolean> {
  const key = scannerKey(scanner)
  return await database.transaction(async (trx) => {
    // One process queues. The others find its row.
    await sql`select pg_advisory_xact_lock(hashtext(current_schema() || '.scanner_states'))`.execute(trx)
    const known = await trx
      .selectFrom('scanner_states')
      .select('scanner')
      .where('check_name', '=', check)
      .executeTakeFirst()
    if (known?.scanner === key) return false
    const seen = { scanner: key, seen_at: sql<Date>`now()` }
    await trx
      .insertInto('scanner_states')
      .values({ check_name: check, ...seen })
      .onConflict((conflict) => conflict.column('check_name').doUpdateSet(seen))
      .execute()
    await queueAll(trx, check, { except: scanner })
    return true
  })
}

/** Queues every published part that has this check, except those that this scanner has scanned. */
export async function queueAll(
  trx: Transaction<RegistryDatabase>,
  check: RescannedCheck,
  { except, forced = false }: { except?: CheckScanner | undefined; forced?: boolean | undefined } = {},
): Promise<void> {
  const ofCheck = JSON.stringify([{ name: check }])
  const scanned = except === undefined ? null : JSON.stringify([{ name: check, scanner: except }])
  await sql`
    insert into part_scans (version_id, kind, check_name, due, forced)
    select p.version_id, p.kind, ${check}, true, ${forced}
    from version_parts p join checks c on c.id = p.check_id
    where p.state = any(${[...READABLE_STATES]}) and c.results @> ${ofCheck}::jsonb
      and (${scanned}::jsonb is null or not c.results @> ${scanned}::jsonb)
    on conflict (version_id, kind, check_name) do update set due = true, tries = 0, lease_until = null,
      forced = part_scans.forced or excluded.forced
  `.execute(trx)
}
