import type { WebhookEvent } from '@trainyard/contract'
import { newId } from '@trainyard/platform'
import { sql, type Transaction } from 'kysely'
import type { RegistryContext } from '../context.ts'
import { toJsonText } from '../db/json.ts'
import type { RegistryDatabase } from '../db/schema/index.ts'

/** Wakes the processes that send webhooks. */
export const WEBHOOK_QUEUE = 'webhook_queue'

export interface NamespaceEvent extends Pick<WebhookEvent, 'type' | 'data'> {
  namespace: string
}

/** Queues an event for every webhook of the namespace that asks for it, in the transaction of what happened. */
export async function queueEvent(
  context: Pick<RegistryContext, 'clock' | 'database'>,
  trx: Transaction<RegistryDatabase>,
  { namespace, type, data }: NamespaceEvent,
): Promise<void> {
  const webhooks = await trx
    .selectFrom('webhooks')
    .select('id')
    .where('namespace', '=', namespace)
    .where('disabled_reason', 'is', null)
    .where(sql<boolean>`(events is null or events ? ${type})`)
    .execute()
  const event = { type, timestamp: context.clock.now().toISOString(), data }
  for (const { id } of webhooks) await queueDelivery(context, trx, { webhookId: id, event })
}

/** Queues an event for one webhook. Returns the id of the delivery. */
export async function queueDelivery(
  { database }: Pick<RegistryContext, 'database'>,
  trx: Transaction<RegistryDatabase>,
  { webhookId, event }: { webhookId: string; event: WebhookEvent },
): Promise<string> {
  const id = newId('msg')
  await trx
    .insertInto('webhook_deliveries')
    .values({ id, webhook_id: webhookId, type: event.type, event: toJsonText(event), state: 'waiting' })
    .execute()
  await database.notify(WEBHOOK_QUEUE, id, trx)
  return id
}
