import type { OpenAPIHono } from '@hono/zod-openapi'
import {
  createApi,
  createLogger,
  identityRoutes,
  mountOpenApi,
  openApiDocument,
  TrainyardError,
} from '@trainyard/platform'
import { artifactRoutes, trainerArtifactRoutes } from './artifacts/routes.ts'
import { datasetAccess } from './auth/dataset-access.ts'
import { guardPeople } from './auth/guard.ts'
import type { CallbackContext } from './callback/callback-context.ts'
import { callbackRoutes } from './callback/routes.ts'
import type { RunnerContext } from './context.ts'
import { datasetCacheRoutes } from './dataset-cache/routes.ts'
import { datasetRoutes } from './datasets/index.ts'
import { findLiveJobs } from './jobs/find-live-jobs.ts'
import { jobRoutes } from './jobs/routes.ts'
import { countJobsOfSnapshots } from './jobs/snapshot-jobs.ts'
import type { LiveFeeds } from './live/feeds.ts'
import { liveRoutes } from './live/routes.ts'
import { logRoutes } from './logs/routes.ts'
import { metricRoutes } from './metrics/routes.ts'
import { intakeMetrics, reportOf } from './observability/metrics/instrument.ts'
import { metricsRoutes } from './observability/metrics/routes.ts'
import { RunnerTelemetry } from './observability/metrics/telemetry.ts'
import type { CallbackTracing } from './observability/otlp/callback-tracing.ts'
import { predictionRoutes, trainerPictureRoutes } from './predictions/routes.ts'
import { resourceRoutes } from './resources/routes.ts'
import { runStatementRoutes } from './run-statements/routes.ts'
import { simpleRoutes } from './simple/routes.ts'
import { usageRoutes } from './usage-reports/routes.ts'

const INFO = {
  title: 'Trainyard runner',
  version: '1',
  description:
    'Runs jobs of trainers. Paths tagged "Trainers" need the job token, all others the credentials of a person.',
}

/** Requests that are not logged one by one: a thousand jobs report thousands of times a minute. */
const isRoutine = (method: string, path: string) => reportOf(method, path) !== undefined

export interface RunnerAppOptions {
  context: RunnerContext
  /** For the routes under `CALLBACK_URL`. */
  trainerContext: CallbackContext
  feeds: LiveFeeds
  /** Absent where there is no trace collector. */
  tracing?: CallbackTracing | undefined
}

/** Every route of the runner, without a server. */
export function createRunnerApp(options: RunnerAppOptions): OpenAPIHono {
  const { context, feeds } = options
  const { logger, telemetry, config } = context
  const api = createInstrumentedApi(options)
  api.get('/healthz', (c) => c.json({ status: 'ok' }))
  api.get('/readyz', async (c) => {
    try {
      await context.database.ping()
    } catch (error) {
      throw new TrainyardError('unavailable', 'The database does not respond', { retryAfterSeconds: 2, cause: error })
    }
    return c.json({ status: 'ready' })
  })
  mountOpenApi(api, () => openApiDocument(api, INFO))
  api.route('/', metricsRoutes({ logger, telemetry, config: config.metrics }))
  mountTrainerRoutes(api, options.trainerContext)
  api.route('/', identityRoutes(context))
  api.route('/', runStatementRoutes(context.statementKeys))
  // Every route below is for people and behind the guard.
  guardPeople(api, context)
  api.route('/', jobRoutes(context))
  api.route('/', metricRoutes(context))
  api.route('/', logRoutes(context))
  api.route('/', artifactRoutes(context))
  api.route('/', predictionRoutes(context))
  api.route('/', usageRoutes(context))
  api.route('/', resourceRoutes(context))
  api.route('/', liveRoutes(context, feeds))
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

/** Only the routes that need a job token: for an address that trainers, and other programs beside them, can reach. */
export function createTrainersApp(options: Pick<RunnerAppOptions, 'trainerContext' | 'tracing'>): OpenAPIHono {
  const api = createInstrumentedApi({ context: options.trainerContext, tracing: options.tracing })
  mountTrainerRoutes(api, options.trainerContext)
  return api
}

function createInstrumentedApi({ context, tracing }: Pick<RunnerAppOptions, 'context' | 'tracing'>): OpenAPIHono {
  const api = createApi({ logger: context.logger, isRoutine })
  api.use('*', intakeMetrics(context.telemetry))
  if (tracing !== undefined) api.use('/v1/jobs/*', tracing.middleware)
  return api
}

function mountTrainerRoutes(api: OpenAPIHono, context: CallbackContext): void {
  api.route('/', callbackRoutes(context))
  api.route('/', datasetCacheRoutes(context))
  api.route('/', trainerArtifactRoutes(context))
  api.route('/', trainerPictureRoutes(context))
  api.route('/', simpleRoutes(context))
}

/** The OpenAPI document. Needs no database, because routes use their context only when they are called. */
export function runnerOpenApi(): Record<string, unknown> {
  const logger = createLogger({ name: 'openapi', level: 'silent' })
  const context = { logger, telemetry: new RunnerTelemetry(), config: {} } as CallbackContext
  return openApiDocument(createRunnerApp({ context, trainerContext: context, feeds: {} as LiveFeeds }), INFO)
}
