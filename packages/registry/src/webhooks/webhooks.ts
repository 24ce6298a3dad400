import type { CreateWebhookRequest, Webhook, WebhookDelivery, WebhookEvent, WebhookSecret } from '@trainyard/contract'
import { claimNamespace, lockUntilEnd, newId, notFound, TrainyardError } from '@trainyard/platform'
import { sql, type Transaction } from 'kysely'
import type { RegistryDatabase } from '../db/schema/index.ts'
import type { WebhookDeliveryRow, WebhookRow } from '../db/schema/webhooks.ts'
import { queueDelivery, WEBHOOK_QUEUE } from '../events/queue-event.ts'
import { auditNamespace, type NamespaceRequest, requireNamespaceAdministrator } from '../names/namespace-request.ts'
import { newWebhookSecret } from './sign.ts'

const MAX_WEBHOOKS = 20
const MAX_LISTED = 100
/** Tests and replays of one webhook that may wait at a time: no one can make the registry flood an address. */
const MAX_WAITING_BY_HAND = 20
/** How long the old secret signs beside the new one. */
const ROTATION_HOURS = 24

export async function listWebhooks(request: NamespaceRequest): Promise<Webhook[]> {
  requireNamespaceAdministrator(request, 'webhooks')
  const rows = await request.context.database.db
    .selectFrom('webhooks')
    .selectAll()
    .where('namespace', '=', request.namespace)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(toWebhook)
}

export async function createWebhook(
  request: NamespaceRequest,
  { url, description, events }: CreateWebhookRequest,
): Promise<WebhookSecret> {
  requireNamespaceAdministrator(request, 'webhooks')
  const { context, caller, namespace } = request
  const secret = newWebhookSecret()
  const row = await context.database.transaction(async (trx) => {
    const claimed = await claimNamespace(context.identity, trx, { slug: namespace, subject: caller.subject })
    // Without the lock, concurrent requests would all count the same webhooks.
    await lockUntilEnd(trx, `webhooks of ${namespace}`)
    const { count } = await trx
      .selectFrom('webhooks')
      .select((all) => all.fn.countAll<string>().as('count'))
      .where('namespace', '=', namespace)
      .executeTakeFirstOrThrow()
    if (Number(count) >= MAX_WEBHOOKS)
      throw new TrainyardError(
        'conflict',
        `"${namespace}" has ${count} webhooks, which is the maximum; remove one first`,
      )
    const created = await trx
      .insertInto('webhooks')
      .values({
        id: newId('whk'),
        namespace,
        url,
        description: description ?? null,
        events: events === undefined ? null : JSON.stringify([...new Set(events)]),
        secret,
        created_by: caller.subject,
        created_at: context.clock.now(),
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    const data = { events: events ?? null, ...(claimed && { claimedNamespace: namespace }) }
    await auditWebhook(request, trx, { action: 'webhook.create', webhook: created, data })
    return created
  })
  return { webhook: toWebhook(row), secret }
}

export async function deleteWebhook(request: NamespaceRequest, id: string): Promise<void> {
  await withWebhook(request, id, async (trx, webhook) => {
    await trx.deleteFrom('webhooks').where('id', '=', id).execute()
    await auditWebhook(request, trx, { action: 'webhook.delete', webhook })
  })
}

/** A new secret. For a day, the old one signs as well, so that no delivery is refused while it is replaced. */
export async function rotateSecret(request: NamespaceRequest, id: string): Promise<WebhookSecret> {
  const secret = newWebhookSecret()
  const until = new Date(request.context.clock.now().getTime() + ROTATION_HOURS * 3_600_000)
  const row = await withWebhook(request, id, async (trx, webhook) => {
    await auditWebhook(request, trx, { action: 'webhook.rotate', webhook })
    return await trx
      .updateTable('webhooks')
      .set({ secret, old_secret: webhook.secret, old_secret_until: until })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow()
  })
  return { webhook: toWebhook(row), secret }
}

/** Sends an event of no trainer. When it succeeds, an address that was given up gets deliveries again. */
export async function testWebhook(request: NamespaceRequest, id: string): Promise<WebhookDelivery> {
  const { context } = request
  const event: WebhookEvent = { type: 'webhook.test', timestamp: context.clock.now().toISOString(), data: {} }
  return await withWebhook(request, id, async (trx, webhook) => {
    await requireFewWaiting(trx, id)
    const delivery = await queueDelivery(context, trx, { webhookId: id, event })
    await auditWebhook(request, trx, { action: 'webhook.test', webhook, data: { delivery } })
    return toDelivery(await getDelivery(trx, id, delivery))
  })
}

export async function listDeliveries(request: NamespaceRequest, id: string): Promise<WebhookDelivery[]> {
  return await withWebhook(request, id, async (trx) => {
    const rows = await trx
      .selectFrom('webhook_deliveries')
      .selectAll()
      .where('webhook_id', '=', id)
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(MAX_LISTED)
      .execute()
    return rows.map(toDelivery)
  })
}

/** Sends a delivery again, with the same id and body. */
export async function replayDelivery(
  request: NamespaceRequest,
  id: string,
  delivery: string,
): Promise<WebhookDelivery> {
  const { context } = request
  return await withWebhook(request, id, async (trx, webhook) => {
    const { state } = await getDelivery(trx, id, delivery)
    if (webhook.disabled_reason !== null)
      throw new TrainyardError('conflict', `Nothing is sent to this webhook: ${webhook.disabled_reason}. Test it first`)
    if (state !== 'waiting') await requireFewWaiting(trx, id)
    await trx
      .updateTable('webhook_deliveries')
      .set({ state: 'waiting', tries: 0, next_try_at: sql`now()`, lease: null })
      .where('id', '=', delivery)
      .execute()
    await context.database.notify(WEBHOOK_QUEUE, delivery, trx)
    await auditWebhook(request, trx, { action: 'webhook.replay', webhook, data: { delivery } })
    return toDelivery(await getDelivery(trx, id, delivery))
  })
}

/** The caller holds the lock on the webhook. */
async function requireFewWaiting(trx: Transaction<RegistryDatabase>, webhookId: string): Promise<void> {
  const { count } = await trx
    .selectFrom('webhook_deliveries')
    .select((all) => all.fn.countAll<string>().as('count'))
    .where('webhook_id', '=', webhookId)
    .where('state', '=', 'waiting')
    .executeTakeFirstOrThrow()
  if (Number(count) < MAX_WAITING_BY_HAND) return
  throw new TrainyardError('conflict', `${count} deliveries to this webhook are waiting; wait until they are sent`)
}

async function getDelivery(
  trx: Transaction<RegistryDatabase>,
  webhookId: string,
  id: string,
): Promise<WebhookDeliveryRow> {
  const row = await trx
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook_id', '=', webhookId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw notFound('delivery', id)
  return row
}

/** Works on one webhook of the namespace, locked. */
async function withWebhook<T>(
  request: NamespaceRequest,
  id: string,
  work: (trx: Transaction<RegistryDatabase>, webhook: WebhookRow) => Promise<T>,
): Promise<T> {
  requireNamespaceAdministrator(request, 'webhooks')
  return await request.context.database.transaction(async (trx) => {
    const webhook = await trx
      .selectFrom('webhooks')
      .selectAll()
      .where('id', '=', id)
      .where('namespace', '=', request.namespace)
      .forUpdate()
      .executeTakeFirst()
    if (webhook === undefined) throw notFound('webhook', id)
    return await work(trx, webhook)
  })
}

/** The host stands beside the id, so that people know which one it was. */
async function auditWebhook(
  request: NamespaceRequest,
  trx: Transaction<RegistryDatabase>,
  { action, webhook, data = {} }: { action: string; webhook: WebhookRow; data?: Record<string, unknown> },
): Promise<void> {
  const { id, url } = webhook
  await auditNamespace(request, trx, { action, subject: id, subjectName: hostOf(url), data })
}

/** The path of a webhook's address is often a secret. */
const hostOf = (url: string): string => new URL(url).host

function toWebhook(row: WebhookRow): Webhook {
  return {
    id: row.id,
    namespace: row.namespace,
    url: row.url,
    description: row.description ?? undefined,
    events: row.events ?? undefined,
    createdAt: row.created_at.toISOString(),
    failingSince: row.failing_since?.toISOString(),
    disabledReason: row.disabled_reason ?? undefined,
  }
}

function toDelivery(row: WebhookDeliveryRow): WebhookDelivery {
  return {
    id: row.id,
    type: row.type,
    state: row.state,
    tries: row.tries,
    createdAt: row.created_at.toISOString(),
    nextTryAt: row.state === 'waiting' ? row.next_try_at.toISOString() : undefined,
    deliveredAt: row.delivered_at?.toISOString(),
    event: row.event,
    lastTry: row.last_try ?? undefined,
  }
}
