import type { WebhookDelivery, WebhookEvent, WebhookEventType, WebhookTopic } from '@trainyard/contract'
import type { ColumnType, Generated, Selectable } from 'kysely'
import type { JsonColumn } from '../json.ts'

/** An address that is notified of what happens to the trainers of a namespace. */
export interface WebhookTable {
  id: string
  namespace: string
  url: string
  description: string | null
  /** Null: every kind. */
  events: ColumnType<WebhookTopic[] | null, string | null, never>
  /** Signs deliveries, so it is stored as it is. */
  secret: string
  /** The one before, which signs as well for a while. */
  old_secret: ColumnType<string | null, undefined, string>
  old_secret_until: ColumnType<Date | null, undefined, Date>
  created_by: string
  created_at: Date
  /** The first failure after the last success. */
  failing_since: ColumnType<Date | null, undefined, Date | null>
  disabled_reason: ColumnType<string | null, undefined, string | null>
}
export type WebhookRow = Selectable<WebhookTable>

/** One event, sent to one webhook. Times are those of the database, so that processes agree. */
export interface WebhookDeliveryTable {
  id: string
  webhook_id: string
  type: WebhookEventType
  event: JsonColumn<WebhookEvent>
  state: WebhookDelivery['state']
  tries: Generated<number>
  /** While a process sends it: when another takes it over. */
  next_try_at: Generated<Date>
  /** The try that may record its result. */
  lease: ColumnType<string | null, undefined, string | null>
  created_at: Generated<Date>
  delivered_at: ColumnType<Date | null, undefined, Date | null>
  last_try: ColumnType<WebhookDelivery['lastTry'] | null, undefined, string>
}
export type WebhookDeliveryRow = Selectable<WebhookDeliveryTable>
