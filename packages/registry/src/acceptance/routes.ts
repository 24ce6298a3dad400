import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import {
  Appeal,
  AppealList,
  Check,
  CheckMessage,
  CreateAppealRequest,
  DecideAppealRequest,
  Problem,
  PushList,
  SuppressFindingRequest,
  VersionState,
} from '@trainyard/contract'
import { clientAddress } from '@trainyard/platform'
import { streamSSE } from 'hono/streaming'
import { z } from 'zod'
import { requireCaller } from '../auth/authenticate.ts'
import type { RegistryContext } from '../context.ts'
import { body, json } from '../route-parts.ts'
import { createAppeal, decideAppeal, listAppeals } from './appeals.ts'
import type { CheckChanger } from './change-check.ts'
import { getCheck } from './get-check.ts'
import { listPushes } from './list-pushes.ts'
import { retryCheck } from './retry-check.ts'
import { suppressFinding, unsuppressFinding } from './suppress-finding.ts'
import { watchCheck } from './watch-check.ts'

const params = z.object({ id: z.string().max(100) })
const missing = {
  description: 'The check does not exist, or its version is not published and belongs to someone else',
  content: { 'application/problem+json': { schema: Problem } },
}

const get = createRoute({
  method: 'get',
  path: '/v1/checks/{id}',
  summary: 'Get the checks of a pushed manifest',
  tags: ['checks'],
  request: { params },
  responses: {
    200: { description: 'The check and its results', content: { 'application/json': { schema: Check } } },
    404: missing,
  },
})

const live = createRoute({
  method: 'get',
  path: '/v1/checks/{id}/live',
  summary: 'Stream the check each time it changes, until it has finished',
  tags: ['checks'],
  request: { params },
  responses: {
    200: { description: 'Server-sent events', content: { 'text/event-stream': { schema: CheckMessage } } },
    404: missing,
  },
})

const tags = ['checks']
const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
})
const changing = {
  401: problem('Not authenticated'),
  403: problem('Not allowed for this caller, or for this finding'),
  404: missing,
  409: problem('Not possible in this state'),
}

const pushes = createRoute({
  method: 'get',
  path: '/v1/pushes',
  summary: 'List the pushes to the namespaces of the caller, newest first',
  tags,
  request: {
    query: z.object({
      state: VersionState.optional(),
      cursor: z.string().max(500).optional(),
      limit: z.coerce.number().int().min(1).max(100).optional(),
    }),
  },
  responses: {
    200: json(PushList, 'One page of pushes'),
    400: problem('The query is not valid'),
    401: problem('Not authenticated'),
  },
})

const retry = createRoute({
  method: 'post',
  path: '/v1/checks/{id}/retry',
  summary: 'Run the checks again, of a version that was rejected or that waits after an error',
  tags,
  request: { params },
  responses: { 202: json(Check, 'Queued again'), ...changing },
})

const suppress = createRoute({
  method: 'post',
  path: '/v1/checks/{id}/suppressions',
  summary: 'Suppress a finding with a reason that everybody can read; a rejected version is checked again',
  tags,
  request: { params, ...body(SuppressFindingRequest) },
  responses: { 201: json(Check, 'Suppressed'), ...changing },
})

const unsuppress = createRoute({
  method: 'delete',
  path: '/v1/checks/{id}/suppressions/{fingerprint}',
  summary: 'End the suppression of a finding; it counts again for the next push',
  tags,
  request: { params: params.extend({ fingerprint: z.string().max(100) }) },
  responses: { 200: json(Check, 'The suppression has ended'), ...changing },
})

const appeal = createRoute({
  method: 'post',
  path: '/v1/checks/{id}/appeal',
  summary: 'Ask a moderator to publish a rejected version',
  tags,
  request: { params, ...body(CreateAppealRequest) },
  responses: { 201: json(Check, 'Requested'), ...changing },
})

const appeals = createRoute({
  method: 'get',
  path: '/v1/appeals',
  summary: 'List the appeals in a state, oldest first (operators)',
  tags,
  request: { query: z.object({ state: Appeal.shape.state.default('open') }) },
  responses: {
    200: json(AppealList, 'The appeals'),
    401: problem('Not authenticated'),
    403: problem('The caller is no operator who is signed in'),
  },
})

const decision = (verb: 'approve' | 'refuse', summary: string) =>
  createRoute({
    method: 'post',
    path: `/v1/appeals/{id}/${verb}`,
    summary,
    tags,
    request: { params, ...body(DecideAppealRequest) },
    responses: { 200: json(Appeal, 'Decided'), ...changing },
  })
const approve = decision('approve', 'Approve an appeal: the version is checked again and published (operators)')
const refuse = decision('refuse', 'Refuse an appeal: the version stays rejected (operators)')

/** What owners and moderators change. */
export function mountCheckChanges(api: OpenAPIHono, context: RegistryContext): void {
  const changerOf = async (request: Request): Promise<CheckChanger> => ({
    caller: await requireCaller(context, request),
    address: clientAddress(request, context.authenticator.config),
  })
  api.openapi(pushes, async (c) => {
    const caller = await requireCaller(context, c.req.raw)
    return c.json(await listPushes(context, caller, c.req.valid('query')), 200)
  })
  api.openapi(retry, async (c) => {
    const { id } = c.req.valid('param')
    const changer = await changerOf(c.req.raw)
    await retryCheck(context, changer, id)
    return c.json(await getCheck(context, changer.caller, id), 202)
  })
  api.openapi(suppress, async (c) => {
    const { id } = c.req.valid('param')
    const changer = await changerOf(c.req.raw)
    await suppressFinding(context, changer, id, c.req.valid('json'))
    return c.json(await getCheck(context, changer.caller, id), 201)
  })
  api.openapi(unsuppress, async (c) => {
    const { id, fingerprint } = c.req.valid('param')
    const changer = await changerOf(c.req.raw)
    await unsuppressFinding(context, changer, id, fingerprint)
    return c.json(await getCheck(context, changer.caller, id), 200)
  })
  api.openapi(appeal, async (c) => {
    const { id } = c.req.valid('param')
    const changer = await changerOf(c.req.raw)
    await createAppeal(context, changer, id, c.req.valid('json'))
    return c.json(await getCheck(context, changer.caller, id), 201)
  })
  api.openapi(appeals, async (c) => {
    const caller = await requireCaller(context, c.req.raw)
    return c.json({ appeals: await listAppeals(context, caller, c.req.valid('query').state) }, 200)
  })
  for (const [route, state] of [
    [approve, 'approved'],
    [refuse, 'refused'],
  ] as const) {
    api.openapi(route, async (c) => {
      const { note } = c.req.valid('json')
      const changer = await changerOf(c.req.raw)
      return c.json(await decideAppeal(context, changer, c.req.valid('param').id, { state, note }), 200)
    })
  }
}

export function mountCheckRoutes(api: OpenAPIHono, context: RegistryContext): void {
  api.openapi(get, async (c) => {
    const caller = await requireCaller(context, c.req.raw)
    return c.json(await getCheck(context, caller, c.req.valid('param').id), 200)
  })
  api.openapi(live, async (c) => {
    const currentCaller = () => requireCaller(context, c.req.raw)
    const { id } = c.req.valid('param')
    await getCheck(context, await currentCaller(), id)
    return streamSSE(c, async (stream) => {
      const gone = new AbortController()
      stream.onAbort(() => gone.abort())
      let sequence = 0
      for await (const check of watchCheck(context, id, currentCaller, gone.signal)) {
        if (!check) {
          await stream.write(': keep-alive\n\n')
          continue
        }
        sequence += 1
        await stream.writeSSE({ id: String(sequence), data: JSON.stringify({ type: 'check', check }) })
      }
    })
  })
}
