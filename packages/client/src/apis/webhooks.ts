import {
  CreateWebhookRequest,
  type Webhook,
  WebhookDelivery,
  WebhookDeliveryList,
  WebhookList,
  WebhookSecret,
} from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { fetchJson, send } from '../http/request.ts'

/** Addresses that are notified of what happens to the trainers of a namespace. */
export interface WebhooksClient {
  list(namespace: string): Promise<Webhook[]>
  /** The answer contains the secret of the signatures, once. */
  create(namespace: string, request: CreateWebhookRequest): Promise<WebhookSecret>
  remove(namespace: string, id: string): Promise<void>
  /** Replaces the secret. For a day, deliveries are signed with the old one as well. */
  rotate(namespace: string, id: string): Promise<WebhookSecret>
  /** Sends an event of no trainer. */
  test(namespace: string, id: string): Promise<WebhookDelivery>
  /** The last 100, newest first. */
  deliveries(namespace: string, id: string): Promise<WebhookDelivery[]>
  /** Sends a delivery again, with the same id and body. */
  replay(namespace: string, id: string, delivery: string): Promise<WebhookDelivery>
}

export function createWebhooksClient(connect: Connect): WebhooksClient {
  const pathOf = (namespace: string) => `/v1/namespaces/${encodeURIComponent(namespace)}/webhooks`
  const onePath = (namespace: string, id: string) => `${pathOf(namespace)}/${encodeURIComponent(id)}`
  return {
    list: async (namespace) => (await fetchJson(connect, WebhookList, { path: pathOf(namespace) })).webhooks,
    async create(namespace, request) {
      const json = CreateWebhookRequest.parse(request)
      return fetchJson(connect, WebhookSecret, { method: 'POST', path: pathOf(namespace), json })
    },
    async remove(namespace, id) {
      await send(connect(), { method: 'DELETE', path: onePath(namespace, id) })
    },
    rotate: (namespace, id) =>
      fetchJson(connect, WebhookSecret, { method: 'POST', path: `${onePath(namespace, id)}/rotate` }),
    test: (namespace, id) =>
      fetchJson(connect, WebhookDelivery, { method: 'POST', path: `${onePath(namespace, id)}/test` }),
    deliveries: async (namespace, id) =>
      (await fetchJson(connect, WebhookDeliveryList, { path: `${onePath(namespace, id)}/deliveries` })).deliveries,
    replay: (namespace, id, delivery) =>
      fetchJson(connect, WebhookDelivery, {
        method: 'POST',
        path: `${onePath(namespace, id)}/deliveries/${encodeURIComponent(delivery)}/replay`,
      }),
  }
}
