import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'

/** Deliveries that are over are kept for this long. Those of a webhook that was given up are, too. */
const KEPT_DAYS = 30
/** In one pass. */
const BATCH = 1000

/** Removes old deliveries. */
export async function pruneDeliveries({ database }: RegistryContext): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from webhook_deliveries where ctid = any(array(
      select d.ctid from webhook_deliveries d join webhooks w on w.id = d.webhook_id
      where (d.state <> 'waiting' or w.disabled_reason is not null)
        and d.created_at < now() - make_interval(days => ${KEPT_DAYS})
      limit ${BATCH}))
  `.execute(database.db)
  return Number(numAffectedRows ?? 0n)
}
