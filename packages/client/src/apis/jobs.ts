import {
  ArtifactList,
  type CreateJobInput,
  CreateJobRequest,
  isTerminalJobState,
  Job,
  JobAttemptList,
  JobCheck,
  JobList,
  type JobState,
  JobValidationList,
  LiveMessage,
  type LogLine,
  LogPage,
  MetricSeriesList,
  Prediction,
  PredictionList,
  ResourceSampleList,
  type RestartJobInput,
  StoredEventPage,
} from '@trainyard/contract'
import type { Connect } from '../http/connection.ts'
import { follow } from '../http/follow.ts'
import { fetchJson, parseMessage, send } from '../http/request.ts'

/** Which lines of a log {@link JobsClient.logs} returns. */
export interface LogsOptions {
  attempt?: number | undefined
  /** Leave out lines below this level. */
  level?: LogLine['level'] | undefined
  /** Only lines that contain this text, ignoring case. */
  search?: string | undefined
  /** Only lines of this time or later. ISO 8601. */
  since?: string | undefined
  /** Only lines before this time. ISO 8601. */
  until?: string | undefined
  /** Start at the line with this number, from 1. Filters other than `attempt` do not change numbers. */
  line?: number | undefined
  /** Whether the page has the oldest or the newest lines. Default: the newest with `before` alone, else the oldest. */
  from?: 'start' | 'end' | undefined
  /** Only later lines: `nextCursor` of a page. */
  after?: string | undefined
  /** Only earlier lines: `previousCursor` of a page. */
  before?: string | undefined
  /** Also count the matching lines before and after the page (`earlier`, `later`). */
  count?: boolean | undefined
  /** Lines per page, up to 5,000. Default: 500. */
  limit?: number | undefined
}

/** The jobs of a runner. */
export interface JobsClient {
  /** Creates a job. Throws `TrainyardApiError` that names each setting the trainer's manifest refuses. */
  create(input: CreateJobInput): Promise<Job>
  /** Checks a request as `create` does, and creates nothing: `issues` is everything for which `create` would refuse it. */
  check(input: CreateJobInput): Promise<JobCheck>
  /** One job. Throws `TrainyardApiError` if it does not exist. */
  get(id: number): Promise<Job>
  /** One page of jobs. */
  list(options?: {
    state?: JobState | undefined
    trainer?: string | undefined
    operation?: Job['operation'] | undefined
    /** Id of a dataset. */
    dataset?: string | undefined
    /** Text in the name, trainer, model or dataset, or the number of a job. */
    q?: string | undefined
    /** Default: newest. `best` is the best primary metric first: compare jobs of one task. */
    sort?: 'newest' | 'oldest' | 'best' | undefined
    /** Also count the values of state, operation, trainer and dataset over the whole result. */
    facets?: boolean | undefined
    /** Also the settings of each job, and all its latest metrics: for a table that compares jobs. */
    details?: boolean | undefined
    /** `organisation/project`. Default: all your projects. */
    project?: string | undefined
    cursor?: string | undefined
    /** Jobs per page. */
    limit?: number | undefined
  }): Promise<JobList>
  /** Asks a job to stop. Its state becomes `cancelled` when its trainer has ended. */
  cancel(id: number): Promise<Job>
  /** Starts a new attempt from the last checkpoint, or without one if `fresh`. */
  restart(id: number, options?: RestartJobInput): Promise<Job>
  /** Deletes a finished job and its files. */
  delete(id: number): Promise<void>
  /** One page of the attempts of a job, newest first. */
  attempts(
    id: number,
    options?: {
      /** `nextCursor` of the previous page. */
      cursor?: string | undefined
      /** Attempts on a page, up to 1,000. Default: 100. */
      limit?: number | undefined
    },
  ): Promise<JobAttemptList>
  /** Metric series, downsampled so that minima and maxima stay. */
  metrics(
    id: number,
    options?: {
      name?: string | undefined
      attempt?: number | undefined
      /** Maximum number of points per series. */
      points?: number | undefined
      /** Only the metrics in the job's `latestMetrics`. */
      only?: 'latest' | undefined
      /** `nextCursor` of the previous page. */
      cursor?: string | undefined
      /** Series on a page, up to 1,000. Default: 100. */
      limit?: number | undefined
    },
  ): Promise<MetricSeriesList>
  /** What the processes of an attempt used over time, the newest attempt by default. */
  resources(
    id: number,
    query?: { attempt?: number | undefined; points?: number | undefined },
  ): Promise<ResourceSampleList>
  /** One page of the validations of an attempt, newest first: confusion matrix and values per class. */
  validations(
    id: number,
    options?: {
      /** Default: the newest one. */
      attempt?: number | undefined
      /** `nextCursor` of the previous page. */
      cursor?: string | undefined
      /** Validations on a page, up to 20. Default: 1. */
      limit?: number | undefined
    },
  ): Promise<JobValidationList>
  /** One page of log lines, oldest first: of the start of the log, or of its end with `from: 'end'`. */
  logs(id: number, options?: LogsOptions): Promise<LogPage>
  /** One page of stored events, oldest first. */
  events(
    id: number,
    options?: {
      attempt?: number | undefined
      /** Only events of this type, for example "checkpoint". */
      type?: string | undefined
      cursor?: string | undefined
      limit?: number | undefined
    },
  ): Promise<StoredEventPage>
  /** The files of a job. */
  artifacts(
    id: number,
    options?: {
      /** `nextCursor` of the previous page. */
      cursor?: string | undefined
      /** Artifacts on a page, up to 5,000. Default: 1,000. */
      limit?: number | undefined
    },
  ): Promise<ArtifactList>
  /**
   * Sends a picture to a checkpoint of a job (PNG, JPEG or WebP, at most 20 MiB). The trainer of the job predicts it; read
   * the result with `prediction`.
   */
  predict(
    id: number,
    checkpoint: string,
    picture: Blob | Uint8Array<ArrayBuffer>,
    options?: { name?: string | undefined; signal?: AbortSignal | undefined },
  ): Promise<Prediction>
  /** A picture that was sent to a checkpoint. With `wait`, waits up to 25 seconds for the result. */
  prediction(
    id: number,
    checkpoint: string,
    predictionId: string,
    options?: { wait?: number | undefined; signal?: AbortSignal | undefined },
  ): Promise<Prediction>
  /** One page of the pictures that were sent to a checkpoint, newest first. */
  predictions(
    id: number,
    checkpoint: string,
    options?: { cursor?: string | undefined; limit?: number | undefined },
  ): Promise<PredictionList>
  /** Follows a job to its end. Reconnects after a lost connection. Ends without an error when `signal` is aborted. */
  live(
    id: number,
    options?: { signal?: AbortSignal | undefined; lastEventId?: string | undefined },
  ): AsyncIterable<LiveMessage>
}

const LIVE_TYPES: ReadonlySet<string> = new Set(LiveMessage.options.map((option) => option.shape.type.value))

const predictionsPath = (id: number, checkpoint: string): string =>
  `/v1/jobs/${id}/artifacts/${encodeURIComponent(checkpoint)}/predictions`

export function createJobsClient(connect: Connect): JobsClient {
  return {
    async create(input) {
      // Finds misspelt keys and wrong types before the request is sent.
      const json = CreateJobRequest.parse(input)
      return fetchJson(connect, Job, { method: 'POST', path: '/v1/jobs', json })
    },
    async check(input) {
      const json = CreateJobRequest.parse(input)
      return fetchJson(connect, JobCheck, { method: 'POST', path: '/v1/jobs/check', json })
    },
    get: (id) => fetchJson(connect, Job, { path: `/v1/jobs/${id}` }),
    list: (query) => fetchJson(connect, JobList, { path: '/v1/jobs', query: { ...query } }),
    cancel: (id) => fetchJson(connect, Job, { method: 'POST', path: `/v1/jobs/${id}/cancel` }),
    restart: (id, options = {}) =>
      fetchJson(connect, Job, { method: 'POST', path: `/v1/jobs/${id}/restart`, json: options }),
    async delete(id) {
      await send(connect(), { method: 'DELETE', path: `/v1/jobs/${id}` })
    },
    attempts: (id, query) => fetchJson(connect, JobAttemptList, { path: `/v1/jobs/${id}/attempts`, query }),
    metrics: (id, query) => fetchJson(connect, MetricSeriesList, { path: `/v1/jobs/${id}/metrics`, query }),
    resources: (id, query) => fetchJson(connect, ResourceSampleList, { path: `/v1/jobs/${id}/resources`, query }),
    validations: (id, query) => fetchJson(connect, JobValidationList, { path: `/v1/jobs/${id}/validations`, query }),
    logs: (id, query) => fetchJson(connect, LogPage, { path: `/v1/jobs/${id}/logs`, query: { ...query } }),
    events: (id, query) => fetchJson(connect, StoredEventPage, { path: `/v1/jobs/${id}/events`, query }),
    artifacts: (id, query) => fetchJson(connect, ArtifactList, { path: `/v1/jobs/${id}/artifacts`, query }),
    predict: (id, checkpoint, body, { name, signal } = {}) =>
      fetchJson(connect, Prediction, {
        method: 'POST',
        path: predictionsPath(id, checkpoint),
        query: { name },
        headers: { 'content-type': 'application/octet-stream' },
        body,
        signal,
      }),
    prediction: (id, checkpoint, predictionId, { wait, signal } = {}) =>
      fetchJson(connect, Prediction, {
        path: `${predictionsPath(id, checkpoint)}/${encodeURIComponent(predictionId)}`,
        query: { wait },
        signal,
      }),
    predictions: (id, checkpoint, query) =>
      fetchJson(connect, PredictionList, { path: predictionsPath(id, checkpoint), query: { ...query } }),
    live: (id, { signal, lastEventId } = {}) =>
      follow<LiveMessage>(connect, {
        path: `/v1/jobs/${id}/live`,
        signal,
        lastEventId,
        parse: ({ data }) => parseMessage(LiveMessage, LIVE_TYPES, data, `GET /v1/jobs/${id}/live`),
        isLast: (message) => message.type === 'job' && isTerminalJobState(message.job.state),
        mayEnd: (message) =>
          (message.type === 'job' || message.type === 'snapshot') && isTerminalJobState(message.job.state),
      }),
  }
}
