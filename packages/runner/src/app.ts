import type { OpenAPIHono } from '@hono/zod-openapi'
import { createApi, createLogger, identityRoutes, openApiDocument, TrainyardError } from '@trainyard/platform'
import { datasetAccess } from './auth/dataset-access.ts'
import { guardPeople } from './auth/guard.ts'
import { callbackRoutes } from './callback/routes.ts'
import type { RunnerContext } from './context.ts'
import { datasetRoutes } from './datasets/index.ts'
import { findLiveJobs } from './jobs/find-live-jobs.ts'
import { jobRoutes } from './jobs/routes.ts'
import { countJobsOfSnapshots } from './jobs/snapshot-jobs.ts'
import { intakeMetrics, reportOf } from './observability/metrics/instrument.ts'
import { metricsRoutes } from './observability/metrics/routes.ts'
import { simpleRoutes } from './simple/routes.ts'

const INFO = {
  title: 'Trainyard runner',
  version: '1',
  description:
    'Jobs in, models out. Paths under /v1/jobs/{id} serve people; those tagged "Trainers" need the job token.',
}

/** A thousand jobs report thousands of times a minute. */
const isRoutine = (method: string, path: string) => reportOf(method, path) !== undefined

/** Every route of the runner; nothing listens yet. `forTrainers`: the context of the routes under `CALLBACK_URL`. */
export function createRunnerApp(context: RunnerContext, forTrainers: RunnerContext = context): OpenAPIHono {
  const api = createApi({ logger: context.logger, isRoutine })
  const { telemetry, config } = context
  if (telemetry !== undefined) api.use('*', intakeMetrics(telemetry))
  if (context.tracing !== undefined) api.use('/v1/jobs/*', context.tracing.middleware)
  api.get('/healthz', (c) => c.json({ status: 'ok' }))
  api.get('/readyz', async (c) => {
    try {
      await context.database.ping()
    } catch (error) {
      throw new TrainyardError('unavailable', 'The database does not answer', { retryAfterSeconds: 2, cause: error })
    }
    return c.json({ status: 'ready' })
  })
  api.get('/openapi.json', (c) => c.json(openApiDocument(api, INFO)))
  api.route('/', metricsRoutes({ logger: context.logger, telemetry, config: config?.metrics }))
  api.route('/', callbackRoutes(forTrainers))
  api.route('/', simpleRoutes(forTrainers))
  api.route('/', identityRoutes(context))
  // Above: who holds a job token. Below: people, each route behind the guard.
  guardPeople(api, context)
  api.route('/', jobRoutes(context))
  api.route(
    '/',
    datasetRoutes(context, {
      access: (c) => datasetAccess(context, c),
      findLiveJobs: (datasetId) => findLiveJobs(context, datasetId),
      countJobs: (ids) => countJobsOfSnapshots(context, ids),
    }),
  )
  return api
}

/** Only what a job token opens: for an address at which trainers, and whatever else runs beside them, reach us. */
export function createTrainersApp(context: RunnerContext): OpenAPIHono {
  const api = createApi({ logger: context.logger, isRoutine })
  if (context.telemetry !== undefined) api.use('*', intakeMetrics(context.telemetry))
  if (context.tracing !== undefined) api.use('/v1/jobs/*', context.tracing.middleware)
  api.route('/', callbackRoutes(context))
  api.route('/', simpleRoutes(context))
  return api
}

/** The OpenAPI document, without a database: routes only touch their context when they are called. */
export function runnerOpenApi(): Record<string, unknown> {
  const context = { logger: createLogger({ name: 'openapi', level: 'silent' }) } as RunnerContext
  return openApiDocument(createRunnerApp(context), INFO)
}
