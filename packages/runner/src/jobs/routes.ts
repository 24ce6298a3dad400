import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import {
  CreateJobRequest,
  Job,
  JobAttemptList,
  JobCheck,
  JobList,
  JobState,
  JobValidationList,
  Operation,
  ProjectName,
  RestartJobRequest,
  StoredEventPage,
} from '@trainyard/contract'
import { createApi, parseParentId, readJsonBody } from '@trainyard/platform'
import type { Context } from 'hono'
import { callerOf } from '../auth/authorise.ts'
import type { RunnerContext } from '../context.ts'
import { cleanText } from '../http/clean-text.ts'
import { Attempt, JobParams, json, limitUpTo, NumberCursor, noSuchJob, problem, queryText } from '../http/openapi.ts'
import { JOB_BODY, parseBody, requireJson, SMALL_BODY } from '../http/read-body.ts'
import { cancelJob } from './cancel-job.ts'
import { checkJob } from './check-job.ts'
import { createJob, type SubmitterTrace } from './create-job.ts'
import { deleteJob } from './delete-job.ts'
import { getJob } from './get-job.ts'
import { listAttempts } from './list-attempts.ts'
import { listJobs } from './list-jobs.ts'
import { listValidations } from './list-validations.ts'
import { readEvents } from './read-events.ts'
import { restartJob } from './restart-job.ts'

const tags = ['Jobs']

const createJobRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/jobs',
  summary: 'Create a job',
  request: { body: { required: true, content: { 'application/json': { schema: CreateJobRequest } } } },
  responses: {
    201: json(Job, 'The job, queued'),
    200: json(Job, 'The job that an earlier request with the same idempotency key created'),
    400: problem('The request is not valid'),
    404: problem('The trainer does not exist'),
    409: problem('The idempotency key was used for a different request'),
    422: problem('The request cannot be carried out; `issues` lists every field'),
  },
})
const checkJobRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/jobs/check',
  summary: 'Check the request for a job',
  description:
    'Checks a request as `POST /v1/jobs` does and creates nothing, for example before a dataset is uploaded. The settings ' +
    'that the trainer accepts are in `trainer.manifest.config.schema`.',
  request: { body: { required: true, content: { 'application/json': { schema: CreateJobRequest } } } },
  responses: {
    200: json(JobCheck, 'The trainer, and what is wrong with the request'),
    400: problem('The request is not valid'),
    404: problem('The trainer does not exist'),
    422: problem('The trainer cannot be used'),
  },
})
const listJobsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs',
  summary: 'List jobs',
  request: {
    query: z.object({
      state: JobState.optional(),
      trainer: queryText(200).optional().describe('"namespace/name"'),
      operation: Operation.optional(),
      dataset: queryText(100).optional().describe('Id of a dataset'),
      q: queryText(200).optional().describe('Text in the name, trainer, model or dataset, or the number of a job'),
      sort: z
        .enum(['newest', 'oldest', 'best'])
        .default('newest')
        .describe('"best": the best value of the primary metric first; jobs without one come last'),
      facets: z.stringbool().default(false).describe('Also count values over the whole result'),
      details: z
        .stringbool()
        .default(false)
        .describe('Also the settings of each job, and all its latest metrics: for a table that compares jobs'),
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
  summary: 'Get a job',
  request: { params: JobParams },
  responses: { 200: json(Job, 'The job'), ...noSuchJob },
})
const cancelJobRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/jobs/{id}/cancel',
  summary: 'Cancel a job',
  description: 'Asks the trainer to stop. A job that has ended stays as it is.',
  request: { params: JobParams },
  responses: { 200: json(Job, 'The job'), ...noSuchJob },
})
const restartJobRoute = createRoute({
  tags,
  method: 'post',
  path: '/v1/jobs/{id}/restart',
  summary: 'Restart a job that has ended',
  description: 'Opens a new attempt, which resumes from the last checkpoint unless `fresh` is true.',
  request: { params: JobParams, body: { content: { 'application/json': { schema: RestartJobRequest } } } },
  responses: { 200: json(Job, 'The job, pending'), ...noSuchJob, 409: problem('The job has not ended') },
})
const deleteJobRoute = createRoute({
  tags,
  method: 'delete',
  path: '/v1/jobs/{id}',
  summary: 'Delete a job that has ended, with its artifacts',
  request: { params: JobParams },
  responses: { 204: { description: 'Deleted' }, ...noSuchJob, 409: problem('The job has not ended') },
})
const attemptsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}/attempts',
  summary: 'List the attempts of a job, newest first',
  request: { params: JobParams, query: z.object({ cursor: NumberCursor, limit: limitUpTo(1000, 100) }) },
  responses: { 200: json(JobAttemptList, 'One page'), ...noSuchJob },
})
const validationsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}/validations',
  summary: 'List the validations of an attempt, newest first',
  description: 'Each has the metrics, the values per class and the confusion matrix that the trainer reported.',
  request: {
    params: JobParams,
    query: z.object({ attempt: Attempt, cursor: NumberCursor, limit: limitUpTo(20, 1) }),
  },
  responses: { 200: json(JobValidationList, 'One page'), ...noSuchJob },
})
const eventsRoute = createRoute({
  tags,
  method: 'get',
  path: '/v1/jobs/{id}/events',
  summary: 'List the events of the journal, including rejected ones',
  request: {
    params: JobParams,
    query: z.object({
      attempt: Attempt,
      type: queryText(100).optional(),
      cursor: NumberCursor,
      limit: limitUpTo(1000, 200),
    }),
  },
  responses: { 200: json(StoredEventPage, 'One page'), ...noSuchJob },
})

/** `/v1/jobs` as people use it. */
export function jobRoutes(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger })
  // Only described to OpenAPI: the framework would treat a body of another content type as an empty one.
  api.openAPIRegistry.registerPath(createJobRoute)
  api.post('/v1/jobs', async (c) => {
    requireJson(c.req.raw)
    const request = parseBody(CreateJobRequest, await readJsonBody(c.req.raw, JOB_BODY))
    const { job, created } = await createJob(context, callerOf(c), cleanText(request), traceOf(c))
    return c.json(job, created ? 201 : 200)
  })
  api.openAPIRegistry.registerPath(checkJobRoute)
  api.post('/v1/jobs/check', async (c) => {
    requireJson(c.req.raw)
    const request = parseBody(CreateJobRequest, await readJsonBody(c.req.raw, JOB_BODY))
    return c.json(await checkJob(context, callerOf(c), cleanText(request)), 200)
  })
  api.openapi(listJobsRoute, async (c) => c.json(await listJobs(context, callerOf(c), c.req.valid('query')), 200))
  api.openapi(getJobRoute, async (c) => c.json(await getJob(context, callerOf(c), c.req.valid('param').id), 200))
  api.openapi(cancelJobRoute, async (c) => c.json(await cancelJob(context, callerOf(c), c.req.valid('param').id), 200))
  // Only described to OpenAPI: the body is optional.
  api.openAPIRegistry.registerPath(restartJobRoute)
  api.post('/v1/jobs/:id/restart', async (c) => {
    const { id } = parseBody(JobParams, { id: c.req.param('id') })
    const request = parseBody(RestartJobRequest, (await readJsonBody(c.req.raw, SMALL_BODY)) ?? {})
    return c.json(await restartJob(context, callerOf(c), id, request), 200)
  })
  api.openapi(deleteJobRoute, async (c) => {
    await deleteJob(context, callerOf(c), c.req.valid('param').id)
    return c.body(null, 204)
  })
  api.openapi(attemptsRoute, async (c) =>
    c.json(await listAttempts(context, c.req.valid('param').id, c.req.valid('query')), 200),
  )
  api.openapi(validationsRoute, async (c) =>
    c.json(await listValidations(context, c.req.valid('param').id, c.req.valid('query')), 200),
  )
  api.openapi(eventsRoute, async (c) =>
    c.json(await readEvents(context, c.req.valid('param').id, c.req.valid('query')), 200),
  )
  return api
}

/** The trace of the request, which its log line has too: the submitter's, or a new one. */
const traceOf = (c: Context): SubmitterTrace => ({
  traceId: c.get('traceId'),
  parentId: parseParentId(c.req.header('traceparent')),
})
