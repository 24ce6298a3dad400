import { type ArtifactList, isTerminalJobState, type Job, type JobState, type LiveMessage } from '@trainyard/contract'
import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { jobStateWord } from '../components/status.tsx'
import type { WebContext } from '../context.ts'
import { t } from '../words/t.ts'
import { AttemptSwitcher } from './attempts.tsx'
import type { ChartSeries } from './chart-groups.ts'
import { MetricTable } from './charts.tsx'
import { JobArtifacts, type PageArtifact } from './job-artifacts.tsx'
import type { LiveEvents } from './live-events.ts'
import { LogDropped } from './log-section.tsx'
import { JobActions, JobMetrics, JobProblem, JobProgress, JobStatus, JobTimings, LogLines } from './parts.tsx'
import { JobPlots } from './plots.tsx'
import { JobResources } from './resources.tsx'
import { JobResult } from './results.tsx'
import { toChartPoint, toChartSeries } from './series.ts'
import { JobValidationResult } from './validation.tsx'

/** Interval of comments on a silent stream, so that proxies and phones keep it open. */
const HEARTBEAT_MS = 15_000
/** The table is large: it is sent at most this often. */
const TABLE_MS = 5000
/** Validations may be large: they are read at most this often. */
const VALIDATION_MS = 5000
/** The same for what the job uses. */
const RESOURCES_MS = 10_000
/** Points kept per series for the table. */
const POINTS_KEPT = 400

type LiveEvent = { [Name in keyof LiveEvents]: { event: Name; data: LiveEvents[Name] } }[keyof LiveEvents]

/** Turns the runner's live stream of a job into changes of its page. */
export function streamJobPage(c: Context, context: WebContext, jobId: number): Response {
  return streamPages(c, (stream, signal) =>
    follow(context, { jobId, signal }, ({ event, data }) => stream.writeSSE({ event, data: JSON.stringify(data) })),
  )
}

/** The same for several jobs over one connection, for all tabs of a browser. */
export function streamJobPages(c: Context, context: WebContext, jobIds: readonly number[]): Response {
  return streamPages(c, async (stream, signal) => {
    const followed = jobIds.map((jobId) =>
      follow(context, { jobId, signal }, ({ event: name, data }) =>
        stream.writeSSE({ event: 'job', data: JSON.stringify({ jobId, name, data }) }),
      ),
    )
    await Promise.all(followed)
  })
}

function streamPages(c: Context, run: (stream: SSEStreamingApi, signal: AbortSignal) => Promise<void>): Response {
  // Otherwise nginx buffers events.
  c.header('X-Accel-Buffering', 'no')
  c.header('Cache-Control', 'no-cache, no-transform')
  return streamSSE(c, async (stream) => {
    const abort = new AbortController()
    stream.onAbort(() => abort.abort())
    // The first one at once: the headers are sent with it, so that the browser knows that the stream is open.
    await stream.write(': open\n\n')
    const heartbeat = setInterval(() => void stream.write(': heartbeat\n\n'), HEARTBEAT_MS)
    try {
      await run(stream, abort.signal)
    } finally {
      clearInterval(heartbeat)
    }
  })
}

/** Sends the changes of a page until its job ends. Of several streams, one that fails does not end the others. */
async function follow(
  context: WebContext,
  { jobId, signal }: { jobId: number; signal: AbortSignal },
  send: (event: LiveEvent) => Promise<void>,
): Promise<void> {
  try {
    const view = new LiveView(context, await listArtifacts(context, jobId))
    for await (const message of context.client.jobs.live(jobId, { signal })) {
      for (const event of await view.take(message)) await send(event)
    }
    if (!signal.aborted) await send({ event: 'end', data: {} })
  } catch (error) {
    if (signal.aborted) return
    context.logger.error({ err: error, jobId }, 'A live stream was interrupted')
    await send({ event: 'trouble', data: { message: t('Live updates are interrupted. Reconnecting …') } })
  }
}

async function listArtifacts(context: WebContext, jobId: number): Promise<ArtifactList['artifacts']> {
  return (await context.client.jobs.artifacts(jobId, { limit: 5000 })).artifacts
}

/** Keeps what the page shows, and returns the changes for each message. */
class LiveView {
  readonly #context: WebContext
  readonly #artifacts: Map<string, PageArtifact>
  /** HTML of each region as the browser has it, by id. */
  readonly #shown = new Map<string, string>()
  #job: Job | undefined
  #announced: JobState | undefined
  #series: ChartSeries[] = []
  #tableAt = 0
  #validationAt = Number.NEGATIVE_INFINITY
  #validationKey = ''
  #resourcesAt = Number.NEGATIVE_INFINITY

  constructor(context: WebContext, artifacts: readonly PageArtifact[]) {
    this.#context = context
    this.#artifacts = new Map(artifacts.map((artifact) => [artifact.id, artifact]))
  }

  async take(message: LiveMessage): Promise<LiveEvent[]> {
    switch (message.type) {
      case 'snapshot': {
        const events = await this.#takeJob(message.job)
        this.#series = toChartSeries(message.series, message.job.createdAt)
        events.push(this.#seriesEvent(message.job), ...(await this.#table()))
        if (message.logs.length > 0) events.push(await logEvent(message.logs, message.previousLogId ?? 0))
        return [...events, ...(await this.#dropped(message.droppedLogs))]
      }
      case 'job': {
        const events = await this.#takeJob(message.job)
        return isTerminalJobState(message.job.state) ? [...events, ...(await this.#table())] : events
      }
      case 'metrics':
        return this.#takeMetrics(message.points)
      case 'logs': {
        const { lines, droppedLogs } = message
        const events = lines.length > 0 ? [await logEvent(lines, undefined)] : []
        return [...events, ...(await this.#dropped(droppedLogs))]
      }
      case 'artifact':
        this.#artifacts.set(message.artifact.id, message.artifact)
        return this.#job === undefined
          ? []
          : [...(await this.#artifactsPart(this.#job)), ...(await this.#plotsPart(this.#job))]
    }
  }

  async #takeJob(job: Job): Promise<LiveEvent[]> {
    const restarted = this.#job !== undefined && this.#job.attempt !== job.attempt
    this.#job = job
    const now = this.#context.now()
    const events = [
      await this.#part('job-status', <JobStatus job={job} now={now} />),
      await this.#part('job-actions', <JobActions job={job} />),
      await this.#part('job-progress', <JobProgress job={job} />),
      await this.#part('job-problem', <JobProblem job={job} />),
      await this.#part('job-metrics', <JobMetrics job={job} />),
      await this.#part('job-timings', <JobTimings job={job} now={now} />),
      await this.#artifactsPart(job),
      await this.#resultPart(job),
      await this.#validationPart(job),
      await this.#resourcesPart(job),
    ].flat()
    if (restarted) {
      this.#series = []
      events.push(this.#seriesEvent(job))
    }
    if (this.#announced !== job.state) {
      this.#announced = job.state
      events.push(...(await this.#attemptsPart(job)))
      events.push({
        event: 'state',
        data: { state: job.state, word: jobStateWord(job.state), terminal: isTerminalJobState(job.state) },
      })
    }
    return events
  }

  async #takeMetrics(reported: Extract<LiveMessage, { type: 'metrics' }>['points']): Promise<LiveEvent[]> {
    // The first message is a snapshot, which has the job.
    const since = this.#job?.createdAt ?? ''
    const points = reported.map(({ name, axis, ...point }) => ({ name, axis, point: toChartPoint(point, since) }))
    for (const { name, axis, point } of points) {
      let target = this.#series.find((candidate) => candidate.name === name)
      if (target === undefined) {
        target = { name, axis, points: [], count: 0 }
        this.#series.push(target)
      }
      target.points.push(point)
      if (target.count !== undefined) target.count += 1
      if (target.points.length > 2 * POINTS_KEPT) target.points.splice(0, POINTS_KEPT)
    }
    const isTableDue = performance.now() - this.#tableAt >= TABLE_MS
    return [{ event: 'points', data: { points } }, ...(isTableDue ? await this.#table() : [])]
  }

  /** The event of a region whose HTML has changed; none otherwise. */
  async #part(id: string, content: Child): Promise<LiveEvent[]> {
    const html = String(await content)
    if (this.#shown.get(id) === html) return []
    this.#shown.set(id, html)
    return [{ event: 'part', data: { id, html } }]
  }

  async #dropped(count: number | undefined): Promise<LiveEvent[]> {
    return count === undefined ? [] : await this.#part('log-dropped', <LogDropped count={count} />)
  }

  #artifactsPart(job: Job): Promise<LiveEvent[]> {
    const artifacts = [...this.#artifacts.values()]
    return this.#part('job-artifacts', <JobArtifacts job={job} artifacts={artifacts} now={this.#context.now()} />)
  }

  async #attemptsPart(job: Job): Promise<LiveEvent[]> {
    if (job.attempt === 1) return []
    const { attempts } = await this.#context.client.jobs.attempts(job.id)
    return this.#part('job-attempts', <AttemptSwitcher job={job} attempts={attempts} shown={job.attempt} />)
  }

  #plotsPart(job: Job): Promise<LiveEvent[]> {
    return this.#part('job-plots', <JobPlots job={job} artifacts={[...this.#artifacts.values()]} />)
  }

  /** Read again when an epoch or the job has ended, but not for each of many short epochs. */
  async #validationPart(job: Job): Promise<LiveEvent[]> {
    const key = `${job.attempt} ${job.progress.epoch} ${job.state}`
    const isDue = isTerminalJobState(job.state) || performance.now() - this.#validationAt >= VALIDATION_MS
    if (key === this.#validationKey || !isDue) return []
    this.#validationKey = key
    this.#validationAt = performance.now()
    const { validations } = await this.#context.client.jobs.validations(job.id, { attempt: job.attempt, limit: 1 })
    return this.#part('job-validation', <JobValidationResult job={job} validation={validations[0]} />)
  }

  /** Jobs report at least every few seconds, which brings new samples to the page. */
  async #resourcesPart(job: Job): Promise<LiveEvent[]> {
    const isDue = isTerminalJobState(job.state) || performance.now() - this.#resourcesAt >= RESOURCES_MS
    if (!isDue) return []
    this.#resourcesAt = performance.now()
    const resources = await this.#context.client.jobs.resources(job.id, { attempt: job.attempt })
    return this.#part('job-resources', <JobResources job={job} resources={resources} />)
  }

  async #resultPart(job: Job): Promise<LiveEvent[]> {
    if (job.operation === 'train') return []
    return this.#part('job-result', <JobResult job={job} artifacts={[...this.#artifacts.values()]} />)
  }

  #table(): Promise<LiveEvent[]> {
    this.#tableAt = performance.now()
    return this.#part(
      'metric-table',
      <div id="metric-table">
        <MetricTable series={this.#series} ended={this.#job !== undefined && isTerminalJobState(this.#job.state)} />
      </div>,
    )
  }

  #seriesEvent({ attempt }: Job): LiveEvent {
    return { event: 'series', data: { attempt, series: this.#series } }
  }
}

/** `previousId` is the line before the first one; 0 for the start of the log, undefined for the line that was sent last. */
async function logEvent(
  lines: Extract<LiveMessage, { type: 'logs' }>['lines'],
  previousId: number | undefined,
): Promise<LiveEvent> {
  return { event: 'logs', data: { html: String(await (<LogLines lines={lines} />)), previousId } }
}
