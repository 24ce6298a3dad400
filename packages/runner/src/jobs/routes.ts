import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  ArtifactList,
  CreateJobRequest,
  Job,
  JobList,
  JobState,
  LiveMessage,
  LogLevel,
  LogPage,
  MetricSeriesList,
  ProjectName,
  RestartJobRequest,
  RetentionPlan,
  StoredEventPage,
} from '@trainyard/contract'
import { createApi, projectsFor, requireScope } from '@trainyard/platform'
import { deleteArtifact } from '../artifacts/delete-artifact.ts'
import { downloadArtifact } from '../artifacts/download-artifact.ts'
import { listArtifacts } from '../artifacts/list-artifacts.ts'
import { planRetention } from '../artifacts/retention.ts'
import { callerOf } from '../auth/authorise.ts'
import type { RunnerContext } from '../context.ts'
import { cleanText } from '../http/clean-text.ts'
import { JobParams, json, limitUpTo, NumberCursor, problem, queryText } from '../http/openapi.ts'
import { parseBody, readJsonBody, requireJson } from '../http/read-body.ts'
import { streamJob } from '../live/stream-job.ts'
import { readLogs } from '../logs/read-logs.ts'
import { readMetrics } from '../metrics/read-metrics.ts'
import { cancelJob } from './cancel-job.ts'
import { createJob } from './create-job.ts'
import { deleteJob } from './delete-job.ts'
import { getJob } from './get-job.ts'
import { listJobs } from './list-jobs.ts'
import { readEvents } from './read-events.ts'
import { restartJob } from './restart-job.ts'

const tags = ['Jobs']
const missing = { 404: problem('There is no such job') }
const Attempt = z.coerce.number().int().positive().max(1_000_000).optional()

const createJobRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/jobs',
  summary: 'Queue a job',
  request: { body: { required: true, content: { 'application/json': { schema: CreateJobRequest } } } },
  responses: {
    201: json(Job, 'Queued'),
    200: json(Job, 'The idempotency key had made it before'),
    400: problem('The request is not valid'),
    404: problem('There is no such trainer'),
    409: problem('The idempotency key was used for another request'),
    422: problem('It cannot be carried out; `issues` names every field'),
  },
})
const listJobsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs',
  summary: 'Jobs, newest first',
  request: {
    query: z.object({
      state: JobState.optional(),
      trainer: queryText(200).optional().describe('"namespace/name"'),
      project: ProjectName.optional(),
      cursor: NumberCursor,
      limit: limitUpTo(200, 50),
    }),
  },
  responses: { 200: json(JobList, 'One page') },
})
const getJobRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}',
  summary: 'One job',
  request: { params: JobParams },
  responses: { 200: json(Job, 'The job'), ...missing },
})
const cancelJobRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/jobs/{id}/cancel',
  summary: 'Ask a job to stop',
  request: { params: JobParams },
  responses: { 200: json(Job, 'It was asked, or had ended'), ...missing },
})
const restartJobRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/jobs/{id}/restart',
  summary:
    'Open a new attempt of a job that has ended; it resumes from the last checkpoint unless asked to begin `fresh`',
  request: { params: JobParams, body: { content: { 'application/json': { schema: RestartJobRequest } } } },
  responses: { 200: json(Job, 'Pending again'), ...missing, 409: problem('The job has not ended') },
})
const deleteJobRoute = createRoute({
  tags,
  method: 'delete',
  path: '/v1/jobs/{id}',
  summary: 'Delete a job that has ended, with its files',
  request: { params: JobParams },
  responses: { 204: { description: 'Deleted' }, ...missing, 409: problem('The job has not ended') },
})
const metricsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}/metrics',
  summary: 'Series for charts, thinned so that every spike stays',
  request: {
    params: JobParams,
    query: z.object({
      name: queryText(250).optional(),
      attempt: Attempt,
      points: z.coerce.number().int().min(10).max(100_000).default(2500),
    }),
  },
  responses: { 200: json(MetricSeriesList, 'The series'), ...missing },
})
const logsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}/logs',
  summary: 'Log lines, oldest first',
  request: {
    params: JobParams,
    query: z.object({
      attempt: Attempt,
      level: LogLevel.optional().describe('The lowest shown'),
      search: queryText(500).optional(),
      after: NumberCursor.describe('Id of the last line that is known'),
      cursor: NumberCursor.describe('The same as `after`'),
      limit: limitUpTo(5000, 500),
    }),
  },
  responses: { 200: json(LogPage, 'One page'), ...missing },
})
const eventsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}/events',
  summary: 'The journal as it was kept, with what could not be understood',
  request: {
    params: JobParams,
    query: z.object({
      attempt: Attempt,
      type: queryText(100).optional(),
      cursor: NumberCursor,
      limit: limitUpTo(1000, 200),
    }),
  },
  responses: { 200: json(StoredEventPage, 'One page'), ...missing },
})
const artifactsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}/artifacts',
  summary: 'The files of a job, with signed URLs',
  request: { params: JobParams },
  responses: { 200: json(ArtifactList, 'The files'), ...missing },
})
const ArtifactParams = JobParams.extend({
  artifactId: z.string().regex(/^[\w-]{1,64}$/, 'must be the id of an artifact'),
})
const downloadRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}/artifacts/{artifactId}/download',
  summary: 'A file of a job, by its name',
  request: { params: ArtifactParams },
  responses: { 302: { description: 'To a signed URL, good for an hour' }, ...missing },
})
const deleteArtifactRoute = createRoute({
  tags,
  method: 'delete',
  path: '/v1/jobs/{id}/artifacts/{artifactId}',
  summary: 'Delete a file of a job',
  request: { params: ArtifactParams },
  responses: { 204: { description: 'Deleted' }, ...missing, 409: problem('A job that is not over starts from it') },
})
const retentionRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/retention',
  summary: 'Which artifacts the rules of RETENTION give up at the next round; nothing is deleted by asking',
  responses: { 200: json(RetentionPlan, 'The list') },
})
const liveRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}/live',
  summary: 'What happens, as server-sent events: a snapshot, then what changes. `Last-Event-ID` resumes',
  request: { params: JobParams },
  responses: {
    200: { description: 'The stream', content: { 'text/event-stream': { schema: LiveMessage } } },
    ...missing,
  },
})

/** `/v1/jobs` as people use it. */
export function jobRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  // Described here, read below: the framework would take a body of another type for an empty one.
  api.openAPIRegistry.registerPath(createJobRoute)
  api.post('/v1/jobs', async (c) => {
    requireJson(c.req.raw)
    const request = parseBody(CreateJobRequest, await readJsonBody(c.req.raw))
    const { job, created } = await createJob(context, callerOf(c), cleanText(request))
    return c.json(job, created ? 201 : 200)
  })
  api.openapi(listJobsRoute, async (c) => c.json(await listJobs(context, callerOf(c), c.req.valid('query')), 200))
  api.openapi(getJobRoute, async (c) => c.json(await getJob(context, callerOf(c), c.req.valid('param').id), 200))
  api.openapi(cancelJobRoute, async (c) => c.json(await cancelJob(context, callerOf(c), c.req.valid('param').id), 200))
  // Described here, read below: a body may be left out.
  api.openAPIRegistry.registerPath(restartJobRoute)
  api.post('/v1/jobs/:id/restart', async (c) => {
    const { id } = parseBody(JobParams, { id: c.req.param('id') })
    const request = parseBody(RestartJobRequest, (await readJsonBody(c.req.raw)) ?? {})
    return c.json(await restartJob(context, callerOf(c), id, request), 200)
  })
  api.openapi(deleteJobRoute, async (c) => {
    await deleteJob(context, callerOf(c), c.req.valid('param').id)
    return c.body(null, 204)
  })
  api.openapi(metricsRoute, async (c) =>
    c.json(await readMetrics(context, c.req.valid('param').id, c.req.valid('query')), 200),
  )
  api.openapi(logsRoute, async (c) => {
    const query = c.req.valid('query')
    return c.json(
      await readLogs(context, c.req.valid('param').id, { ...query, after: query.after ?? query.cursor }),
      200,
    )
  })
  api.openapi(eventsRoute, async (c) =>
    c.json(await readEvents(context, c.req.valid('param').id, c.req.valid('query')), 200),
  )
  api.openapi(artifactsRoute, async (c) => c.json(await listArtifacts(context, c.req.valid('param').id), 200))
  api.openapi(downloadRoute, async (c) => {
    const { id, artifactId } = c.req.valid('param')
    return c.redirect(await downloadArtifact(context, id, artifactId), 302)
  })
  api.openapi(deleteArtifactRoute, async (c) => {
    const { id, artifactId } = c.req.valid('param')
    await deleteArtifact(context, callerOf(c), id, artifactId)
    return c.body(null, 204)
  })
  api.openapi(retentionRoute, async (c) => {
    requireScope(callerOf(c), 'jobs:read')
    const readable = new Set(projectsFor(callerOf(c), 'jobs:read').map(({ id }) => id))
    const expired = (await planRetention(context)).filter(({ projectId }) => readable.has(projectId))
    const artifacts = expired.map(({ createdAt, projectId: _, ...rest }) => ({
      ...rest,
      createdAt: createdAt.toISOString(),
    }))
    return c.json({ artifacts, totalBytes: artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }, 200)
  })
  api.openapi(liveRoute, async (c) => {
    const lastEventId = c.req.header('last-event-id')
    const body = await streamJob(context, c.req.valid('param').id, lastEventId === undefined ? {} : { lastEventId })
    return new Response(body, {
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies such as nginx would otherwise hold messages back.
        'x-accel-buffering': 'no',
      },
    })
  })
  return api
}
