import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'

/** Another process may take a delivery over when the one that sends it has not recorded a result for this long. */
const LEASE_SECONDS = 60

/** A delivery that this process sends. */
export interface ClaimedDelivery {
  id: string
  lease: string
  webhook_id: string
  namespace: string
  url: string
  secret: string
  old_secret: string | null
  old_secret_until: Date | null
  tries: number
  body: string
}

/** Claims the delivery that has waited longest, of a namespace that this process does not send for already. */
export async function claimDelivery(
  { database }: RegistryContext,
  busy: readonly string[],
): Promise<ClaimedDelivery | undefined> {
  const { rows } = await sql<ClaimedDelivery>`
    update webhook_deliveries d
    set next_try_at = now() + make_interval(secs => ${LEASE_SECONDS}), tries = d.tries + 1, lease = gen_random_uuid()::text
    from (
      select d.id from webhook_deliveries d join webhooks w on w.id = d.webhook_id
      where d.state = 'waiting' and d.next_try_at <= now() and (w.disabled_reason is null or d.type = 'webhook.test')
        and w.namespace <> all(${[...busy]}::text[])
      order by d.next_try_at limit 1 for update of d skip locked
    ) next, webhooks w
    where d.id = next.id and w.id = d.webhook_id
    returning d.id, d.lease, d.webhook_id, d.tries, d.event::text as body, w.namespace, w.url, w.secret, w.old_secret,
      w.old_secret_until
  `.execute(database.db)
  return rows[0]
}
