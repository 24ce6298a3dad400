import {
  type Operation,
  SimpleCheckpointRequest,
  SimpleDoneRequest,
  SimpleEventRequest,
  SimpleExportCompletionRequest,
  SimpleHeartbeatRequest,
  SimpleInferenceCompletionRequest,
  SimpleStartedRequest,
  SimpleValidationRequest,
} from '@trainyard/contract'
import { invalidRequest, TrainyardError } from '@trainyard/platform'
import type { z } from 'zod'
import type { CallbackContext } from '../callback/callback-context.ts'
import type { JobRow } from '../db/schema/jobs.ts'
import { findUploaded } from './find-uploaded.ts'
import { readSimple, type SimpleReport } from './read-simple.ts'
import {
  eventOfCheckpoint,
  eventOfDone,
  eventOfMessage,
  eventOfStarted,
  eventOfValidation,
  eventsOfExport,
  eventsOfHeartbeat,
  eventsOfInference,
  type UnnumberedEvent,
} from './translate.ts'

/** Where a report comes from. */
export interface ReportSource {
  context: CallbackContext
  job: JobRow
}

/** The events of a report, and what was left out of it. */
export type TranslatedReport = Omit<SimpleReport<unknown>, 'body'> & { events: UnnumberedEvent[] }

export interface SimpleEndpoint {
  /** Below the origin of the runner. */
  path: string
  summary: string
  schema: z.ZodType
  translate(body: unknown, source: ReportSource): Promise<TranslatedReport>
}

type Translate<T> = (body: T, source: ReportSource) => UnnumberedEvent[] | Promise<UnnumberedEvent[]>

/** `operation`: the only one whose jobs can use the endpoint. */
function endpoint<T>(
  path: string,
  summary: string,
  schema: z.ZodObject & z.ZodType<T>,
  events: Translate<T>,
  operation?: Operation,
): SimpleEndpoint {
  return {
    path,
    summary,
    schema,
    async translate(given, source) {
      const { body, ...report } = readSimple(schema, given)
      const { id, operation: actual } = source.job
      if (operation === undefined || actual === operation) return { ...report, events: await events(body, source) }
      throw new TrainyardError(
        'conflict',
        `The operation of job ${id} is "${actual}"; this endpoint expects "${operation}"`,
      )
    },
  }
}

const ofDone: Translate<SimpleDoneRequest> = (body, { job }) => [eventOfDone(body, job)]
const ofMessage: Translate<SimpleEventRequest> = (body) => [eventOfMessage(body)]
const ofStarted: Translate<SimpleStartedRequest> = (body) => [eventOfStarted(body)]
const ofValidation: Translate<SimpleValidationRequest> = (body, { job }) => {
  const event = eventOfValidation(body, job.primary_metric)
  if (event !== undefined) return [event]
  const detail = `must have at least one number, for example {"${job.primary_metric.name}": 0.5}`
  throw invalidRequest([{ path: 'metrics', detail, value: body.metrics }])
}

const ofCheckpoint: Translate<SimpleCheckpointRequest> = async (body, { context, job }) => {
  const { artifact_id: id } = body
  const file = await findUploaded(context, { jobId: job.id, attempt: job.attempt, kind: 'checkpoint', id })
  if (file !== undefined) return [eventOfCheckpoint(body, file)]
  const detail =
    id === undefined
      ? 'is required, because this attempt has not uploaded a checkpoint: upload one with POST {CALLBACK_URL}/artifacts'
      : 'must be the id of a file of this job whose upload was completed with POST {CALLBACK_URL}/artifacts/{id}/complete'
  throw invalidRequest([{ path: 'artifact_id', detail, value: id }])
}

const ofExport: Translate<SimpleExportCompletionRequest> = async (body, { context, job }) => {
  const needsFile = body.status === 'completed' && body.artifact_id === undefined
  const file = needsFile
    ? await findUploaded(context, { jobId: job.id, attempt: job.attempt, kind: 'export' })
    : undefined
  if (!needsFile || file !== undefined) return eventsOfExport(body, job, file)
  const detail = 'is required, because this attempt has not uploaded an artifact of the kind "export"'
  throw invalidRequest([{ path: 'artifact_id', detail }])
}

const training = '/api/v1/training/jobs/{id}/callback'
const inference = '/api/v1/test_inference/inference/jobs/{id}/callback'
const exporting = '/api/v1/export/jobs/{id}/callback'

const PROGRESS = endpoint(`${training}/progress`, 'Report progress', SimpleHeartbeatRequest, eventsOfHeartbeat)
const LOG = endpoint(`${training}/log`, 'Report a message', SimpleEventRequest, ofMessage)
const CHECKPOINT = endpoint(
  `${training}/checkpoint`,
  'Report an uploaded checkpoint',
  SimpleCheckpointRequest,
  ofCheckpoint,
  'train',
)
const RESULTS = endpoint(
  '/api/v1/validation/jobs/{id}/results',
  'Report a validation',
  SimpleValidationRequest,
  ofValidation,
)
const STARTED = endpoint(`${training}/started`, 'Report the start', SimpleStartedRequest, ofStarted)

/** The endpoints below `/api/v1`. */
export const ENDPOINTS: readonly SimpleEndpoint[] = [
  STARTED,
  PROGRESS,
  LOG,
  { ...LOG, path: `${training}/logs` },
  CHECKPOINT,
  endpoint(`${training}/completion`, 'Report the end of a training', SimpleDoneRequest, ofDone, 'train'),
  RESULTS,
  { ...STARTED, path: `${inference}/started`, summary: 'Report the start of a prediction' },
  endpoint(
    `${inference}/completion`,
    'Report the end and the results of a prediction',
    SimpleInferenceCompletionRequest,
    eventsOfInference,
    'predict',
  ),
  { ...STARTED, path: `${exporting}/started`, summary: 'Report the start of an export' },
  endpoint(`${exporting}/completion`, 'Report the end of an export', SimpleExportCompletionRequest, ofExport, 'export'),
]

/** The endpoint that ends a job of each operation. */
const completionOf = (operation: Operation): SimpleEndpoint => {
  const prefix = { train: training, predict: inference, export: exporting }[operation]
  const found = ENDPOINTS.find(({ path }) => path === `${prefix}/completion`)
  if (found === undefined) throw new Error(`no endpoint ends the operation "${operation}"`)
  return found
}
const COMPLETION: SimpleEndpoint = {
  path: '/v1/jobs/{id}/callback/completion',
  summary: 'Report the end',
  schema: SimpleDoneRequest,
  translate: (body, source) => completionOf(source.job.operation).translate(body, source),
}

/** Short forms, below `CALLBACK_URL`. */
export const SHORT_ENDPOINTS: readonly SimpleEndpoint[] = [
  { ...PROGRESS, path: '/v1/jobs/{id}/heartbeat' },
  { ...LOG, path: '/v1/jobs/{id}/event' },
  endpoint('/v1/jobs/{id}/done', 'Report the end', SimpleDoneRequest, ofDone),
  { ...STARTED, path: '/v1/jobs/{id}/callback/started' },
  { ...PROGRESS, path: '/v1/jobs/{id}/callback/progress' },
  { ...LOG, path: '/v1/jobs/{id}/callback/log' },
  { ...LOG, path: '/v1/jobs/{id}/callback/logs' },
  { ...CHECKPOINT, path: '/v1/jobs/{id}/callback/checkpoint' },
  { ...RESULTS, path: '/v1/jobs/{id}/callback/results' },
  COMPLETION,
]
