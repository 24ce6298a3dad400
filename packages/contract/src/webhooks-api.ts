import { z } from 'zod'
import { Timestamp } from './primitives.ts'
import { trimmedLine } from './readable-text.ts'

/** What happens to the trainers of a namespace. `webhook.test` is sent on request. */
export const WebhookEventType = z.enum([
  'version.pushed',
  'version.published',
  'version.rejected',
  'version.finding',
  'version.deprecated',
  'version.yanked',
  'version.restored',
  'webhook.test',
])
export type WebhookEventType = z.infer<typeof WebhookEventType>

/** The kinds of events that a webhook can ask for. */
export const WebhookTopic = WebhookEventType.exclude(['webhook.test'])
export type WebhookTopic = z.infer<typeof WebhookTopic>

/** The body of a delivery. https://www.standardwebhooks.com describes its headers and signature. */
export const WebhookEvent = z
  .object({
    type: WebhookEventType,
    timestamp: Timestamp,
    data: z.looseObject({
      trainer: z.string().optional(),
      version: z.string().optional(),
      kind: z.enum(['bundle', 'image']).optional(),
      digest: z.string().optional(),
      checkId: z.string().optional().describe('Its findings: `GET /v1/checks/{id}`'),
      reason: z.string().optional().describe('Why the version was rejected, deprecated or yanked'),
      check: z.string().optional().describe('The check that found something after the version was published'),
      findings: z
        .array(z.object({ code: z.string(), severity: z.string(), message: z.string() }))
        .optional()
        .describe('What it found: at most 20'),
      findingCount: z.number().int().optional(),
      replacement: z.string().optional().describe('What to use instead of a deprecated version'),
    }),
  })
  .meta({ id: 'WebhookEvent' })
export type WebhookEvent = z.infer<typeof WebhookEvent>

const WebhookUrl = z
  .url({ protocol: /^https?$/, error: 'must be an address that begins with https://' })
  .max(2000)
  .refine((text) => {
    const url = URL.parse(text)
    return url === null || (url.username === '' && url.password === '')
  }, 'must have no user name and no password: verify the signature of the deliveries instead')

/** `POST /v1/namespaces/{namespace}/webhooks` */
export const CreateWebhookRequest = z
  .strictObject({
    url: WebhookUrl.describe('https; the operator can allow other addresses'),
    description: trimmedLine(200).optional(),
    events: z
      .array(WebhookTopic)
      .min(1)
      .max(20)
      .optional()
      .describe('Default: every kind, also those that are added later'),
  })
  .meta({ id: 'CreateWebhookRequest' })
export type CreateWebhookRequest = z.infer<typeof CreateWebhookRequest>

/** An address that is notified of what happens to the trainers of a namespace. */
export const Webhook = z
  .object({
    id: z.string(),
    namespace: z.string(),
    url: z.string(),
    description: z.string().optional(),
    events: z.array(WebhookTopic).optional().describe('Absent: every kind'),
    createdAt: Timestamp,
    failingSince: Timestamp.optional().describe('No delivery succeeded since'),
    disabledReason: z
      .string()
      .optional()
      .describe('Why nothing is sent any more. A test that succeeds starts it again'),
  })
  .meta({ id: 'Webhook' })
export type Webhook = z.infer<typeof Webhook>

/** `GET /v1/namespaces/{namespace}/webhooks` */
export const WebhookList = z.object({ webhooks: z.array(Webhook) }).meta({ id: 'WebhookList' })
export type WebhookList = z.infer<typeof WebhookList>

/** The secret is shown once. */
export const WebhookSecret = z
  .object({ webhook: Webhook, secret: z.string().describe('whsec_…: the key of the signatures') })
  .meta({ id: 'WebhookSecret' })
export type WebhookSecret = z.infer<typeof WebhookSecret>

/** One event, sent to one webhook. */
export const WebhookDelivery = z
  .object({
    id: z.string().describe('Also the header webhook-id: the same in every try and replay'),
    type: WebhookEventType,
    state: z.enum(['waiting', 'delivered', 'failed']),
    tries: z.number().int(),
    createdAt: Timestamp,
    nextTryAt: Timestamp.optional(),
    deliveredAt: Timestamp.optional(),
    event: WebhookEvent.describe('The body of the request'),
    lastTry: z
      .object({
        at: Timestamp,
        durationMs: z.number().int(),
        url: z.string(),
        headers: z.record(z.string(), z.string()),
        status: z.number().int().optional().describe('Absent: no answer came'),
        answer: z.string().optional().describe('The beginning of the answer'),
        error: z.string().optional(),
      })
      .optional(),
  })
  .meta({ id: 'WebhookDelivery' })
export type WebhookDelivery = z.infer<typeof WebhookDelivery>

/** `GET /v1/namespaces/{namespace}/webhooks/{webhook}/deliveries`: the last 100, newest first. */
export const WebhookDeliveryList = z
  .object({ deliveries: z.array(WebhookDelivery) })
  .meta({ id: 'WebhookDeliveryList' })
export type WebhookDeliveryList = z.infer<typeof WebhookDeliveryList>
