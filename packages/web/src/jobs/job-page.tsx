import {
  describeDeprecation,
  isTerminalJobState,
  type Job,
  type JobAttempt,
  type JobValidation,
  type ResourceSampleList,
} from '@trainyard/contract'
import { raw } from 'hono/html'
import { apiWord } from '../components/api-word.ts'
import { Layout } from '../components/layout.tsx'
import { Scroll } from '../components/scroll.tsx'
import { TrustStatus } from '../components/status.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { AttemptSwitcher, AttemptTable, EarlierAttempt } from './attempts.tsx'
import type { ChartSeries } from './chart-groups.ts'
import { Charts, MetricTable } from './charts.tsx'
import { JobArtifacts, type PageArtifact } from './job-artifacts.tsx'
import { JobDialogs } from './job-dialogs.tsx'
import type { JobData } from './live-events.ts'
import { LogSection } from './log-section.tsx'
import { JobActions, JobMetrics, JobProblem, JobProgress, JobStatus, JobTimings, jobTitle } from './parts.tsx'
import { JobPlots } from './plots.tsx'
import { type ImagePredictions, PredictionGrid } from './predictions.tsx'
import type { JobLogs } from './read-log-page.ts'
import { JobResources } from './resources.tsx'
import { JobResult } from './results.tsx'
import { scriptJson } from './script-json.ts'
import { JobValidationResult } from './validation.tsx'

/** As many metrics as a job has in `latestMetrics`. */
const SHOWN_METRICS = 100

interface JobPageProps {
  assetUrl: (name: string) => string
  job: Job
  series: ChartSeries[]
  logs: JobLogs
  /** Of the attempt that is shown, or of all attempts when it is the newest one. */
  artifacts: readonly PageArtifact[]
  /** Newest first. */
  attempts: readonly JobAttempt[]
  /** Set when the page shows an attempt other than the newest one. */
  earlier?: JobAttempt | undefined
  /** The newest one of the attempt. */
  validation: JobValidation | undefined
  resources: ResourceSampleList | undefined
  /** Of some images. */
  predictions: readonly ImagePredictions[]
  now: Date
}

export function JobPage({ assetUrl, job, series, logs, artifacts, attempts, earlier, now, ...results }: JobPageProps) {
  const ended = isTerminalJobState(job.state) || earlier !== undefined
  const live = !ended
  const shown = earlier?.attempt ?? job.attempt
  const trains = job.operation === 'train'
  const data: JobData = {
    jobId: job.id,
    live,
    attempt: shown,
    primary: job.primaryMetric.name,
    series,
    workerUrl: assetUrl('live-worker.js'),
  }
  return (
    <Layout
      assetUrl={assetUrl}
      title={t('{job} · Job {id}', { job: jobTitle(job), id: job.id })}
      section="jobs"
      scripts={results.predictions.length > 0 ? ['job.js', 'pictures.js'] : ['job.js']}
    >
      <div class="page-head with-actions">
        <div>
          <p class="crumbs">
            <a href="/jobs">{t('Jobs')}</a> <span aria-hidden="true">/</span> {job.id}
          </p>
          <h1>{jobTitle(job)}</h1>
          <JobStatus job={job} now={now} />
        </div>
        <JobActions job={job} />
      </div>
      {job.isolationWarning !== undefined && (
        <p class="status bad isolation" role="alert">
          {job.isolationWarning}
        </p>
      )}
      {job.trainer.deprecation !== undefined && (
        <p class="status bad isolation" role="alert">
          {describeDeprecation(job.trainer, job.trainer.deprecation)}
        </p>
      )}
      <AttemptSwitcher job={job} attempts={attempts} shown={shown} />
      {earlier === undefined ? <JobProgress job={job} /> : <EarlierAttempt job={job} attempt={earlier} now={now} />}
      <p id="live-note" class="live-note" role="status" aria-live="polite" />
      {live && (
        <noscript>
          <p class="muted">
            <Sentence
              text="This page needs JavaScript to update automatically. {link} to see changes."
              link={<a href={`/jobs/${job.id}`}>{t('Reload it')}</a>}
            />
          </p>
        </noscript>
      )}
      {earlier === undefined && <JobProblem job={job} />}
      {!trains && earlier === undefined && (
        <section aria-labelledby="result">
          <h2 id="result">{job.operation === 'predict' ? t('Predictions') : t('Exported model')}</h2>
          <JobResult job={job} artifacts={artifacts} />
        </section>
      )}
      {/* Predictions and exports rarely have metrics: scripts show the section with the first one. */}
      <section
        id="metrics-section"
        aria-labelledby="metrics"
        hidden={!trains && series.length === 0}
        data-when-filled={trains ? undefined : ''}
      >
        <h2 id="metrics">{t('Metrics')}</h2>
        <JobMetrics job={earlier === undefined ? job : { ...job, latestMetrics: lastValues(series) }} />
        <Charts runs={[{ label: jobTitle(job), series }]} primary={job.primaryMetric.name} ended={ended} />
        {Object.keys(job.latestMetrics).length >= SHOWN_METRICS && (
          <p class="muted">
            {t('At most {count} metrics are shown. The CSV file has all of them.', { count: SHOWN_METRICS })}
          </p>
        )}
        <details class="as-table">
          <summary>{t('Metrics as a table')}</summary>
          <div id="metric-table">
            <MetricTable series={series} ended={ended} />
          </div>
          {series.length > 0 && (
            <p>
              <a href={`/jobs/${job.id}/metrics.csv?attempt=${shown}`}>{t('All metrics as CSV')}</a>
            </p>
          )}
        </details>
      </section>
      <JobResources job={job} resources={results.resources} />
      <JobValidationResult job={job} validation={results.validation} />
      {results.predictions.length > 0 && (
        <section aria-labelledby="predicted">
          <h2 id="predicted">{t('Predicted images')}</h2>
          <PredictionGrid job={job} attempt={shown} predictions={results.predictions} />
          <p>
            <a href={`/jobs/${job.id}/predictions?attempt=${shown}`}>{t('All predictions')}</a>
          </p>
        </section>
      )}
      <JobPlots job={job} artifacts={artifacts} />
      <section aria-labelledby="artifacts">
        <h2 id="artifacts">{trains ? t('Checkpoints and files') : t('Files')}</h2>
        <JobArtifacts job={job} artifacts={artifacts} now={now} />
      </section>
      <LogSection job={job} logs={logs} live={live} />
      <AttemptTable job={job} attempts={attempts} shown={shown} now={now} />
      <div class="halves">
        <section aria-labelledby="timings">
          <h2 id="timings">{t('Timings')}</h2>
          <JobTimings job={job} now={now} />
        </section>
        <section aria-labelledby="inputs">
          <h2 id="inputs">{t('Inputs')}</h2>
          <Inputs job={job} />
        </section>
      </div>
      <Config job={job} />
      <JobDialogs job={job} />
      <script type="application/json" id="job-data">
        {raw(scriptJson(data))}
      </script>
    </Layout>
  )
}

/** The last value of each series that ended with a number. */
function lastValues(series: readonly ChartSeries[]): Record<string, number> {
  const last = series.map(({ name, points }) => [name, points.at(-1)?.[1]] as const)
  return Object.fromEntries(last.filter((pair): pair is [string, number] => typeof pair[1] === 'number'))
}

function Inputs({ job }: { job: Job }) {
  return (
    <dl class="side-facts">
      <dt>{t('Trainer')}</dt>
      <dd>
        <a href={`/trainers/${job.trainer.name}?version=${encodeURIComponent(job.trainer.version)}`}>
          {job.trainer.name} {job.trainer.version}
        </a>
        {job.trainer.trust !== undefined && <TrustStatus tier={job.trainer.trust.tier} />}
      </dd>
      <dt>{t('Model')}</dt>
      <dd>{job.model}</dd>
      <dt>{t('Task')}</dt>
      <dd>
        {apiWord(job.operation)}
        {', '}
        {apiWord(job.taskType)}
      </dd>
      {job.dataset !== undefined && (
        <>
          <dt>{t('Dataset')}</dt>
          <dd>
            <DatasetLink dataset={job.dataset} />{' '}
            <code title={t('snapshot {snapshotId}', { snapshotId: job.dataset.snapshotId })}>
              {job.dataset.versionHash.slice(0, 12)}
            </code>
          </dd>
        </>
      )}
      {job.project !== undefined && (
        <>
          <dt>{t('Project')}</dt>
          <dd>{job.project}</dd>
        </>
      )}
      {job.createdBy !== undefined && (
        <>
          <dt>{t('Created by')}</dt>
          <dd>{job.createdBy.name ?? job.createdBy.id}</dd>
        </>
      )}
      <dt>{t('Queue')}</dt>
      <dd>
        {job.queue}
        {job.priority !== 0 && <span class="muted">{`, ${t('priority {priority}', { priority: job.priority })}`}</span>}
      </dd>
      <dt>{t('Lineage')}</dt>
      <dd>
        <a href={`/jobs/${job.id}/lineage`}>{t('What made these files')}</a>
      </dd>
      <Experiments experiments={job.experiments ?? []} />
    </dl>
  )
}

/** Links to this job in other systems. */
function Experiments({ experiments }: { experiments: NonNullable<Job['experiments']> }) {
  const linked = experiments.filter((one) => one.url !== undefined && /^https?:/.test(one.url))
  if (linked.length === 0) return null
  return (
    <>
      <dt>{t('Also in')}</dt>
      {linked.map(({ backend, url }) => (
        <dd>
          <a href={url}>{backend}</a>
        </dd>
      ))}
    </>
  )
}

function Config({ job }: { job: Job }) {
  const settings = [...Object.entries(job.config.basic), ...Object.entries(job.config.advanced)]
  return (
    <section aria-labelledby="config">
      <details class="as-table">
        <summary>
          <h2 id="config">{t('Settings of this job')}</h2>
        </summary>
        <Scroll label={t('Table of settings')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('Setting')}</th>
                <th scope="col">{t('Value')}</th>
              </tr>
            </thead>
            <tbody>
              {settings.map(([name, value]) => (
                <tr>
                  <th scope="row">
                    <code>{name}</code>
                  </th>
                  <td>
                    <code>{JSON.stringify(value)}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </details>
    </section>
  )
}

function DatasetLink({ dataset: { id, version, name } }: { dataset: NonNullable<Job['dataset']> }) {
  const suffix = version === undefined ? '' : `@${version}`
  return (
    <a href={`/datasets/${id}${suffix}`}>
      <bdi>{name}</bdi>
      {suffix}
    </a>
  )
}
