import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import {
  AddPublisherRequest,
  ExchangedToken,
  ExchangeTokenRequest,
  Publisher,
  PublisherList,
  PublisherTest,
  PublishingInfo,
  TestPublisherRequest,
} from '@trainyard/contract'
import { clientAddress } from '@trainyard/platform'
import { z } from 'zod'
import { countRequest } from '../auth/authenticate.ts'
import { ANONYMOUS } from '../auth/caller.ts'
import type { RegistryContext } from '../context.ts'
import { ownerRequestOf } from '../lifecycle/owner.ts'
import { body, json, problem } from '../route-parts.ts'
import { exchangeToken } from './exchange-token.ts'
import { addPublisher, issuersOf, listPublishers, removePublisher, testPublisher } from './publishers.ts'

const TrainerParams = z.object({ namespace: z.string().max(64), name: z.string().max(64) })
const PublisherParams = TrainerParams.extend({ publisher: z.string().max(64) })
const publishers = '/v1/trainers/{namespace}/{name}/publishers'
const tags = ['publishing']

const info = createRoute({
  tags,
  method: 'get',
  path: '/v1/publishing',
  summary: 'What a job needs to know before it asks its CI for a token',
  responses: { 200: json(PublishingInfo, 'The audience and the issuers') },
})
const exchange = createRoute({
  tags,
  method: 'post',
  path: '/v1/publishing/tokens',
  summary: 'Exchange the OIDC token of a CI’s job for a token that can push one trainer',
  description: 'Each token of a job is exchanged once. A refusal says exactly what did not match.',
  request: body(ExchangeTokenRequest),
  responses: {
    200: json(ExchangedToken, 'The token'),
    400: problem,
    401: problem,
    403: problem,
    429: problem,
    503: problem,
  },
})
const list = createRoute({
  tags,
  method: 'get',
  path: publishers,
  summary: 'List the repositories whose jobs may publish a trainer',
  request: { params: TrainerParams },
  responses: { 200: json(PublisherList, 'The publishers'), 401: problem, 403: problem },
})
const add = createRoute({
  tags,
  method: 'post',
  path: publishers,
  summary: 'Let the jobs of a repository publish a trainer',
  description: 'The trainer need not exist yet: its first version can come from the publisher.',
  request: { params: TrainerParams, ...body(AddPublisherRequest) },
  responses: {
    201: json(Publisher, 'The publisher'),
    400: problem,
    401: problem,
    403: problem,
    409: problem,
    422: problem,
  },
})
const remove = createRoute({
  tags,
  method: 'delete',
  path: `${publishers}/{publisher}`,
  summary: 'Remove a publisher',
  description: 'Tokens that it was given end at once.',
  request: { params: PublisherParams },
  responses: { 204: { description: 'Removed' }, 401: problem, 403: problem, 404: problem },
})
const test = createRoute({
  tags,
  method: 'post',
  path: `${publishers}/{publisher}/test`,
  summary: 'Test the connection to the issuer, or whether the job of a token may publish',
  request: { params: PublisherParams, ...body(TestPublisherRequest) },
  responses: { 200: json(PublisherTest, 'What was found'), 400: problem, 401: problem, 403: problem, 404: problem },
})

/** Publishing from a CI without a stored secret. */
export function mountPublishingRoutes(api: OpenAPIHono, context: RegistryContext): void {
  const requestOf = (raw: Request, params: { namespace: string; name: string }) => ownerRequestOf(context, raw, params)
  api.openapi(info, (c) => {
    countRequest(context, c.req.raw, ANONYMOUS)
    const issuers = issuersOf(context).map(({ name, issuer }) => ({ name, issuer }))
    return c.json({ audience: context.config.publicUrl, issuers }, 200)
  })
  api.openapi(exchange, async (c) => {
    countRequest(context, c.req.raw, ANONYMOUS)
    const address = clientAddress(c.req.raw, context.authenticator.config)
    return c.json(await exchangeToken(context, c.req.valid('json'), address), 200)
  })
  api.openapi(list, async (c) => {
    const publishers = await listPublishers(await requestOf(c.req.raw, c.req.valid('param')))
    return c.json({ publishers }, 200)
  })
  api.openapi(add, async (c) => {
    const request = await requestOf(c.req.raw, c.req.valid('param'))
    return c.json(await addPublisher(request, c.req.valid('json')), 201)
  })
  api.openapi(remove, async (c) => {
    const params = c.req.valid('param')
    await removePublisher(await requestOf(c.req.raw, params), params.publisher)
    return c.body(null, 204)
  })
  api.openapi(test, async (c) => {
    const params = c.req.valid('param')
    const request = await requestOf(c.req.raw, params)
    return c.json(await testPublisher(request, { id: params.publisher, token: c.req.valid('json').token }), 200)
  })
}
