import type { Context } from 'hono'
import type { WebContext, WebEnv } from '../context.ts'
import { getJobId } from './job-id.ts'
import { JobPage } from './job-page.tsx'
import { readPredictions } from './predictions.tsx'
import { LogQuery, readLogPage } from './read-log-page.ts'
import { pointsFor, toChartSeries } from './series.ts'

/** On the page of the job; the page of predictions has all. */
const PREDICTIONS_SHOWN = 8

/** The page of a job: of its newest attempt, or of an earlier one that the address names. */
export async function showJob(c: Context<WebEnv>, context: WebContext): Promise<Response> {
  const id = getJobId(c)
  const query = LogQuery.parse(c.req.query())
  const { client } = context
  const [job, { attempts }] = await Promise.all([client.jobs.get(id), client.jobs.attempts(id, { limit: 1000 })])
  const earlier = attempts.find(({ attempt }) => attempt === query.attempt && attempt < job.attempt)
  const attempt = earlier?.attempt
  const shown = attempt ?? job.attempt
  const [metrics, logs, { artifacts }, { validations }, resources, predictions] = await Promise.all([
    // Those in the job's `latestMetrics` are of the newest attempt.
    client.jobs.metrics(id, {
      attempt: shown,
      points: pointsFor(Object.keys(job.latestMetrics).length),
      only: earlier ? undefined : 'latest',
    }),
    readLogPage(context, id, { ...query, attempt }),
    client.jobs.artifacts(id, { limit: 5000 }),
    client.jobs.validations(id, { attempt: shown, limit: 1 }),
    client.jobs.resources(id, { attempt: shown }),
    job.operation === 'predict'
      ? client.jobs.events(id, { type: 'prediction', attempt: shown, limit: PREDICTIONS_SHOWN })
      : { events: [] },
  ])
  c.header('Cache-Control', 'no-store')
  return c.html(
    <JobPage
      assetUrl={c.get('assetUrl')}
      job={job}
      series={toChartSeries(metrics.series, job.createdAt)}
      logs={logs}
      artifacts={earlier === undefined ? artifacts : artifacts.filter((one) => one.attempt === attempt)}
      attempts={attempts}
      validation={validations[0]}
      resources={resources}
      predictions={readPredictions(predictions.events)}
      earlier={earlier}
      now={context.now()}
    />,
  )
}
