import { type ArtifactList, isTerminalJobState, type Job, type JobState, type LiveMessage } from '@trainyard/contract'
import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import { streamSSE } from 'hono/streaming'
import { jobStateWord } from '../components/status.tsx'
import type { WebContext } from '../context.ts'
import type { ChartSeries } from './chart-groups.ts'
import { MetricTable } from './charts.tsx'
import type { LiveEvents } from './live-events.ts'
import {
  JobActions,
  JobArtifacts,
  JobMetrics,
  JobProblem,
  JobProgress,
  JobStatus,
  JobTimings,
  LogLines,
  type PageArtifact,
} from './parts.tsx'
import { JobResult } from './results.tsx'
import { toChartSeries, toChartValue } from './series.ts'

/** Interval of comments on a silent stream, so that proxies and phones keep it open. */
const HEARTBEAT_MS = 15_000
/** The table is large: it is sent at most this often. */
const TABLE_MS = 5000
/** Points kept per series for the table. */
const POINTS_KEPT = 400

type LiveEvent = { [Name in keyof LiveEvents]: { event: Name; data: LiveEvents[Name] } }[keyof LiveEvents]

/** Turns the runner's live stream of a job into changes of its page. */
export function streamJobPage(c: Context, context: WebContext, jobId: number): Response {
  // Otherwise nginx buffers events.
  c.header('X-Accel-Buffering', 'no')
  c.header('Cache-Control', 'no-cache, no-transform')
  return streamSSE(c, async (stream) => {
    const abort = new AbortController()
    stream.onAbort(() => abort.abort())
    const send = ({ event, data }: LiveEvent) => stream.writeSSE({ event, data: JSON.stringify(data) })
    const heartbeat = setInterval(() => void stream.write(': heartbeat\n\n'), HEARTBEAT_MS)
    try {
      const view = createLiveView(context, await listArtifacts(context, jobId))
      for await (const message of context.client.jobs.live(jobId, { signal: abort.signal })) {
        for (const event of await view(message)) await send(event)
      }
      if (!abort.signal.aborted) await send({ event: 'end', data: {} })
    } catch (error) {
      if (abort.signal.aborted) return
      context.logger.error({ err: error, jobId }, 'A live stream was interrupted')
      await send({ event: 'trouble', data: { message: 'Live updates are interrupted. Reconnecting …' } })
    } finally {
      clearInterval(heartbeat)
    }
  })
}

async function listArtifacts(context: WebContext, jobId: number): Promise<ArtifactList['artifacts']> {
  return (await context.client.jobs.artifacts(jobId)).artifacts
}

/** Keeps what the page shows, and returns the changes for each message. */
function createLiveView(context: WebContext, known: readonly PageArtifact[]) {
  let job: Job | undefined
  let announced: JobState | undefined
  let series: ChartSeries[] = []
  const artifacts = new Map(known.map((artifact) => [artifact.id, artifact]))
  const shown = new Map<string, string>()
  let tableAt = 0

  async function part(id: string, content: Child): Promise<LiveEvent[]> {
    const html = String(await content)
    if (shown.get(id) === html) return []
    shown.set(id, html)
    return [{ event: 'part', data: { id, html } }]
  }

  async function jobParts(next: Job): Promise<LiveEvent[]> {
    const restarted = job !== undefined && job.attempt !== next.attempt
    job = next
    const now = context.now()
    const events = [
      await part('job-status', <JobStatus job={next} now={now} />),
      await part('job-actions', <JobActions job={next} />),
      await part('job-progress', <JobProgress job={next} />),
      await part('job-problem', <JobProblem job={next} />),
      await part('job-metrics', <JobMetrics job={next} />),
      await part('job-timings', <JobTimings job={next} now={now} />),
      await part('job-artifacts', <JobArtifacts job={next} artifacts={[...artifacts.values()]} now={now} />),
      ...(next.operation === 'train'
        ? []
        : [await part('job-result', <JobResult job={next} artifacts={[...artifacts.values()]} />)]),
    ].flat()
    if (restarted) {
      series = []
      events.push(seriesEvent(next))
    }
    if (announced !== next.state) {
      announced = next.state
      events.push({
        event: 'state',
        data: { word: jobStateWord(next.state), terminal: isTerminalJobState(next.state) },
      })
    }
    return events
  }

  const seriesEvent = (shownJob: Job): LiveEvent => ({
    event: 'series',
    data: { attempt: shownJob.attempt, series },
  })
  function table(): Promise<LiveEvent[]> {
    tableAt = performance.now()
    return part(
      'metric-table',
      <div id="metric-table">
        <MetricTable series={series} />
      </div>,
    )
  }

  return async function view(message: LiveMessage): Promise<LiveEvent[]> {
    switch (message.type) {
      case 'snapshot': {
        const events = await jobParts(message.job)
        series = toChartSeries(message.series)
        events.push(seriesEvent(message.job), ...(await table()))
        if (message.logs.length > 0) events.push(await logEvent(message.logs))
        return events
      }
      case 'job': {
        const events = await jobParts(message.job)
        return isTerminalJobState(message.job.state) ? [...events, ...(await table())] : events
      }
      case 'metrics': {
        const points = message.points.map(({ name, axis, step, value }) => ({
          name,
          axis,
          step,
          value: toChartValue(value),
        }))
        for (const { name, axis, step, value } of points) {
          let target = series.find((candidate) => candidate.name === name)
          if (target === undefined) {
            target = { name, axis, points: [] }
            series.push(target)
          }
          target.points.push([step, value])
          if (target.points.length > 2 * POINTS_KEPT) target.points.splice(0, POINTS_KEPT)
        }
        const isDue = performance.now() - tableAt >= TABLE_MS
        return [{ event: 'points', data: { points } }, ...(isDue ? await table() : [])]
      }
      case 'logs':
        return [await logEvent(message.lines)]
      case 'artifact': {
        artifacts.set(message.artifact.id, message.artifact)
        return job === undefined
          ? []
          : part('job-artifacts', <JobArtifacts job={job} artifacts={[...artifacts.values()]} now={context.now()} />)
      }
    }
  }
}

async function logEvent(lines: Extract<LiveMessage, { type: 'logs' }>['lines']): Promise<LiveEvent> {
  return { event: 'logs', data: { html: String(await (<LogLines lines={lines} />)) } }
}
