import {
  ArtifactList,
  type CreateJobInput,
  CreateJobRequest,
  isTerminalJobState,
  Job,
  JobList,
  type JobState,
  LiveMessage,
  type LogLine,
  LogPage,
  MetricSeriesList,
  type RestartJobInput,
  StoredEventPage,
} from '@trainyard/contract'
import { type Connect, fetchJson, parseMessage, send } from './http.ts'
import { follow } from './server-sent-events.ts'

/** The jobs of a runner. */
export interface JobsClient {
  /** Creates a job. Throws `TrainyardApiError` that names the setting the manifest refuses. */
  create(input: CreateJobInput): Promise<Job>
  /** One job. Throws `TrainyardApiError` when there is none. */
  get(id: number): Promise<Job>
  /** Newest first. */
  list(options?: {
    state?: JobState | undefined
    trainer?: string | undefined
    /** `organisation/project`; every one of yours when absent. */
    project?: string | undefined
    cursor?: string | undefined
    /** Jobs a page. */
    limit?: number | undefined
  }): Promise<JobList>
  /** Asks a job to stop; it is `cancelled` when its trainer has ended. */
  cancel(id: number): Promise<Job>
  /** Opens a new attempt. It resumes from the last checkpoint of the earlier attempts, unless it is to begin `fresh`. */
  restart(id: number, options?: RestartJobInput): Promise<Job>
  /** Removes a finished job and its files. */
  delete(id: number): Promise<void>
  /** Series of metrics, thinned so that every spike stays. */
  metrics(
    id: number,
    options?: {
      name?: string | undefined
      attempt?: number | undefined
      /** At most so many points a series; the server keeps minima and maxima. */
      points?: number | undefined
    },
  ): Promise<MetricSeriesList>
  /** Oldest first. */
  logs(
    id: number,
    options?: {
      attempt?: number | undefined
      /** The lowest level shown. */
      level?: LogLine['level'] | undefined
      search?: string | undefined
      /** `nextCursor` of the page before. */
      after?: string | undefined
      limit?: number | undefined
    },
  ): Promise<LogPage>
  /** Events as they were stored, oldest first. */
  events(
    id: number,
    options?: {
      attempt?: number | undefined
      /** One type of event, for example "checkpoint". */
      type?: string | undefined
      cursor?: string | undefined
      limit?: number | undefined
    },
  ): Promise<StoredEventPage>
  /** The files that a job left. */
  artifacts(id: number): Promise<ArtifactList>
  /** What happens to a job, until its end. Connects again after a loss; ends without an error when `signal` is aborted. */
  live(
    id: number,
    options?: { signal?: AbortSignal | undefined; lastEventId?: string | undefined },
  ): AsyncIterable<LiveMessage>
}

const LIVE_TYPES: ReadonlySet<string> = new Set(LiveMessage.options.map((option) => option.shape.type.value))

export function createJobsClient(connect: Connect): JobsClient {
  return {
    async create(input) {
      // Typos and wrong types are caught here, before anything is sent.
      const json = CreateJobRequest.parse(input)
      return fetchJson(connect, Job, { method: 'POST', path: '/v1/jobs', json })
    },
    get: (id) => fetchJson(connect, Job, { path: `/v1/jobs/${id}` }),
    list: (query) => fetchJson(connect, JobList, { path: '/v1/jobs', query }),
    cancel: (id) => fetchJson(connect, Job, { method: 'POST', path: `/v1/jobs/${id}/cancel` }),
    restart: (id, options = {}) =>
      fetchJson(connect, Job, { method: 'POST', path: `/v1/jobs/${id}/restart`, json: options }),
    async delete(id) {
      await send(connect(), { method: 'DELETE', path: `/v1/jobs/${id}` })
    },
    metrics: (id, query) => fetchJson(connect, MetricSeriesList, { path: `/v1/jobs/${id}/metrics`, query }),
    logs: (id, query) => fetchJson(connect, LogPage, { path: `/v1/jobs/${id}/logs`, query }),
    events: (id, query) => fetchJson(connect, StoredEventPage, { path: `/v1/jobs/${id}/events`, query }),
    artifacts: (id) => fetchJson(connect, ArtifactList, { path: `/v1/jobs/${id}/artifacts` }),
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
