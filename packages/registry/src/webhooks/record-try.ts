import type { WebhookDelivery } from '@trainyard/contract'
import { sql } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { ClaimedDelivery } from './claim-delivery.ts'

/** Seconds after each failed try. After the last one, the delivery has failed. */
const PAUSES = [5, 60, 300, 1800, 7200, 21_600, 43_200]
/** A webhook that has failed for this long gets nothing more. */
const GIVE_UP_DAYS = 5
/** An answer of this status means that the address is gone for good. */
const GONE = 410

/** Stores the result of a try. Does nothing if another process took the delivery over, or it was replayed meanwhile. */
export async function recordTry(
  { database, clock }: RegistryContext,
  { id, lease, webhook_id, tries }: ClaimedDelivery,
  lastTry: NonNullable<WebhookDelivery['lastTry']>,
): Promise<void> {
  const now = clock.now()
  const isDelivered = lastTry.error === undefined
  const pause = lastTry.status === GONE ? undefined : PAUSES[tries - 1]
  await database.transaction(async (trx) => {
    // In the order of the other verbs: the webhook first.
    const webhook = await trx
      .selectFrom('webhooks')
      .select(['failing_since', 'disabled_reason'])
      .where('id', '=', webhook_id)
      .forUpdate()
      .executeTakeFirst()
    if (webhook === undefined) return
    const { numUpdatedRows } = await trx
      .updateTable('webhook_deliveries')
      .set({
        state: isDelivered ? 'delivered' : pause === undefined ? 'failed' : 'waiting',
        next_try_at: sql`now() + make_interval(secs => ${pause ?? 0})`,
        lease: null,
        delivered_at: isDelivered ? now : null,
        last_try: toJsonText(lastTry),
      })
      .where('id', '=', id)
      .where('lease', '=', lease)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) return
    const since = webhook.failing_since ?? now
    const failed = {
      failing_since: since,
      disabled_reason: webhook.disabled_reason ?? whyDisabled(lastTry, since, now),
    }
    await trx
      .updateTable('webhooks')
      .set(isDelivered ? { failing_since: null, disabled_reason: null } : failed)
      .where('id', '=', webhook_id)
      .execute()
  })
}

function whyDisabled({ status }: { status?: number | undefined }, since: Date, now: Date): string | null {
  if (status === GONE) return `the address answered ${GONE} Gone`
  if (now.getTime() - since.getTime() < GIVE_UP_DAYS * 86_400_000) return null
  return `no delivery succeeded since ${since.toISOString()}`
}
