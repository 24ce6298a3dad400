import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { ReportRunRequest } from '@trainyard/contract'
import type { RegistryContext } from '../context.ts'
import { body, problem } from '../route-parts.ts'
import { receiveRun } from './receive-run.ts'

const report = createRoute({
  tags: ['runs'],
  method: 'post',
  path: '/v1/runs',
  summary: 'State how a run of a published version ended',
  description:
    'For runners. The statement is a JWT that the runner signed; its keys are those of a runner that the operator trusts. ' +
    'The same statement counts once.',
  request: body(ReportRunRequest),
  responses: { 204: { description: 'Recorded' }, 401: problem, 404: problem, 422: problem, 503: problem },
})

/** Runs of trainers, which runners state. */
export function mountRunRoutes(api: OpenAPIHono, context: RegistryContext): void {
  api.openapi(report, async (c) => {
    await receiveRun(context, c.req.valid('json').statement)
    return c.body(null, 204)
  })
}
