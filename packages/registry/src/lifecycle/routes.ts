import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { ChannelName, DeprecateVersionRequest, SetChannelRequest, YankVersionRequest } from '@trainyard/contract'
import { z } from 'zod'
import type { RegistryContext } from '../context.ts'
import { problem } from '../route-parts.ts'
import { removeChannel, setChannel } from './change-channel.ts'
import { deprecateVersion, restoreDeprecated, restoreYanked, yankVersion } from './change-version.ts'
import { ownerRequestOf } from './owner.ts'

const TrainerParams = z.object({ namespace: z.string().max(64), name: z.string().max(64) })
const VersionParams = TrainerParams.extend({ version: z.string().max(128) })
const changed = {
  204: { description: 'Changed' },
  400: problem,
  401: problem,
  403: problem,
  404: problem,
  409: problem,
}
const trainer = '/v1/trainers/{namespace}/{name}'
const tags = ['catalogue']

const deprecate = createRoute({
  tags,
  method: 'post',
  path: `${trainer}/versions/{version}/deprecate`,
  summary: 'Mark a version as one that should not be used any more',
  description: 'It can still be pulled, with a warning.',
  request: {
    params: VersionParams,
    body: { required: true, content: { 'application/json': { schema: DeprecateVersionRequest } } },
  },
  responses: changed,
})
const undeprecate = createRoute({
  tags,
  method: 'delete',
  path: `${trainer}/versions/{version}/deprecate`,
  summary: 'Withdraw a deprecation',
  request: { params: VersionParams },
  responses: changed,
})
const yank = createRoute({
  tags,
  method: 'post',
  path: `${trainer}/versions/{version}/yank`,
  summary: 'Hide a version',
  description: 'No range, tag or channel finds it any more. Pulls by digest go on.',
  request: {
    params: VersionParams,
    body: { required: true, content: { 'application/json': { schema: YankVersionRequest } } },
  },
  responses: changed,
})
const unyank = createRoute({
  tags,
  method: 'delete',
  path: `${trainer}/versions/{version}/yank`,
  summary: 'Show a yanked version again',
  request: { params: VersionParams },
  responses: changed,
})
const set = createRoute({
  tags,
  method: 'post',
  path: `${trainer}/channels`,
  summary: 'Point a channel to a version',
  request: {
    params: TrainerParams,
    body: { required: true, content: { 'application/json': { schema: SetChannelRequest } } },
  },
  responses: changed,
})
const remove = createRoute({
  tags,
  method: 'delete',
  path: `${trainer}/channels/{channel}`,
  summary: 'Remove a channel',
  description: '"latest" and "next" are computed again.',
  request: { params: TrainerParams.extend({ channel: ChannelName }) },
  responses: changed,
})

/** What an owner does with published versions. */
export function mountLifecycleRoutes(api: OpenAPIHono, context: RegistryContext): void {
  const requestOf = (raw: Request, params: { namespace: string; name: string }) => ownerRequestOf(context, raw, params)
  api.openapi(deprecate, async (c) => {
    const params = c.req.valid('param')
    await deprecateVersion(await requestOf(c.req.raw, params), params.version, c.req.valid('json'))
    return c.body(null, 204)
  })
  api.openapi(undeprecate, async (c) => {
    const params = c.req.valid('param')
    await restoreDeprecated(await requestOf(c.req.raw, params), params.version)
    return c.body(null, 204)
  })
  api.openapi(yank, async (c) => {
    const params = c.req.valid('param')
    await yankVersion(await requestOf(c.req.raw, params), params.version, c.req.valid('json'))
    return c.body(null, 204)
  })
  api.openapi(unyank, async (c) => {
    const params = c.req.valid('param')
    await restoreYanked(await requestOf(c.req.raw, params), params.version)
    return c.body(null, 204)
  })
  api.openapi(set, async (c) => {
    await setChannel(await requestOf(c.req.raw, c.req.valid('param')), c.req.valid('json'))
    return c.body(null, 204)
  })
  api.openapi(remove, async (c) => {
    const params = c.req.valid('param')
    await removeChannel(await requestOf(c.req.raw, params), params.channel)
    return c.body(null, 204)
  })
}
