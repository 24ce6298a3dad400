import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import {
  CreateWebhookRequest,
  Slug,
  WebhookDelivery,
  WebhookDeliveryList,
  WebhookList,
  WebhookSecret,
} from '@trainyard/contract'
import { z } from 'zod'
import type { RegistryContext } from '../context.ts'
import { namespaceRequestOf } from '../names/namespace-request.ts'
import { json, problem } from '../route-parts.ts'
import {
  createWebhook,
  deleteWebhook,
  listDeliveries,
  listWebhooks,
  replayDelivery,
  rotateSecret,
  testWebhook,
} from './webhooks.ts'

const refusals = { 401: problem, 403: problem, 404: problem }
const NamespaceParams = z.object({ namespace: Slug })
const WebhookParams = NamespaceParams.extend({ webhook: z.string().max(64) })
const webhooks = '/v1/namespaces/{namespace}/webhooks'
const tags = ['webhooks']

const list = createRoute({
  tags,
  method: 'get',
  path: webhooks,
  summary: 'List the webhooks of a namespace',
  request: { params: NamespaceParams },
  responses: { 200: json(WebhookList, 'The webhooks'), ...refusals },
})
const create = createRoute({
  tags,
  method: 'post',
  path: webhooks,
  summary: 'Notify an address of what happens to the trainers of a namespace',
  description: 'Deliveries are signed as Standard Webhooks describes. The secret is shown once.',
  request: {
    params: NamespaceParams,
    body: { required: true, content: { 'application/json': { schema: CreateWebhookRequest } } },
  },
  responses: { 201: json(WebhookSecret, 'The webhook with its secret'), 400: problem, 409: problem, ...refusals },
})
const remove = createRoute({
  tags,
  method: 'delete',
  path: `${webhooks}/{webhook}`,
  summary: 'Remove a webhook',
  request: { params: WebhookParams },
  responses: { 204: { description: 'Removed' }, ...refusals },
})
const rotate = createRoute({
  tags,
  method: 'post',
  path: `${webhooks}/{webhook}/rotate`,
  summary: 'Replace the secret of a webhook',
  description: 'For a day, deliveries are signed with the old secret as well.',
  request: { params: WebhookParams },
  responses: { 200: json(WebhookSecret, 'The webhook with its new secret'), ...refusals },
})
const test = createRoute({
  tags,
  method: 'post',
  path: `${webhooks}/{webhook}/test`,
  summary: 'Send a test to a webhook',
  description: 'When it succeeds, an address that was given up gets deliveries again.',
  request: { params: WebhookParams },
  responses: { 202: json(WebhookDelivery, 'The delivery'), 409: problem, ...refusals },
})
const deliveries = createRoute({
  tags,
  method: 'get',
  path: `${webhooks}/{webhook}/deliveries`,
  summary: 'List the last deliveries of a webhook, newest first',
  request: { params: WebhookParams },
  responses: { 200: json(WebhookDeliveryList, 'The deliveries'), ...refusals },
})
const replay = createRoute({
  tags,
  method: 'post',
  path: `${webhooks}/{webhook}/deliveries/{delivery}/replay`,
  summary: 'Send a delivery again',
  request: { params: WebhookParams.extend({ delivery: z.string().max(64) }) },
  responses: { 202: json(WebhookDelivery, 'The delivery'), 409: problem, ...refusals },
})

/** Webhooks of a namespace, for its administrators. */
export function mountWebhookRoutes(api: OpenAPIHono, context: RegistryContext): void {
  const requestOf = (raw: Request, params: { namespace: string }) => namespaceRequestOf(context, raw, params)
  api.openapi(list, async (c) =>
    c.json({ webhooks: await listWebhooks(await requestOf(c.req.raw, c.req.valid('param'))) }, 200),
  )
  api.openapi(create, async (c) => {
    const request = await requestOf(c.req.raw, c.req.valid('param'))
    return c.json(await createWebhook(request, c.req.valid('json')), 201)
  })
  api.openapi(remove, async (c) => {
    const params = c.req.valid('param')
    await deleteWebhook(await requestOf(c.req.raw, params), params.webhook)
    return c.body(null, 204)
  })
  api.openapi(rotate, async (c) => {
    const params = c.req.valid('param')
    return c.json(await rotateSecret(await requestOf(c.req.raw, params), params.webhook), 200)
  })
  api.openapi(test, async (c) => {
    const params = c.req.valid('param')
    return c.json(await testWebhook(await requestOf(c.req.raw, params), params.webhook), 202)
  })
  api.openapi(deliveries, async (c) => {
    const params = c.req.valid('param')
    return c.json({ deliveries: await listDeliveries(await requestOf(c.req.raw, params), params.webhook) }, 200)
  })
  api.openapi(replay, async (c) => {
    const params = c.req.valid('param')
    return c.json(await replayDelivery(await requestOf(c.req.raw, params), params.webhook, params.delivery), 202)
  })
}
