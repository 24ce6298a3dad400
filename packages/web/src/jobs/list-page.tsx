import { type JobList, JobState } from '@trainyard/contract'
import { Copyable } from '../components/copyable.tsx'
import { Note } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import { JobStateStatus, jobStateWord } from '../components/status.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatMetric } from '../format.ts'
import { withQuery } from '../query.ts'
import { jobTitle } from './parts.tsx'

interface JobListQuery {
  state?: JobState | undefined
  trainer?: string | undefined
  cursor?: string | undefined
}

interface JobListPageProps {
  assetUrl: (name: string) => string
  query: JobListQuery
  list: JobList
  /** Number of the job that was just deleted. */
  deleted?: string | undefined
  runnerUrl: string
  now: Date
}

export function JobListPage({ assetUrl, query, list, deleted, runnerUrl, now }: JobListPageProps) {
  const filtered = query.state !== undefined || Boolean(query.trainer)
  return (
    <Layout assetUrl={assetUrl} title="Jobs" section="jobs">
      <div class="page-head">
        <h1>Jobs</h1>
        <p class="lead">
          {query.trainer ? (
            <>
              Of <code>{query.trainer}</code>, newest first.{' '}
              <a href={withQuery('/jobs', { state: query.state })}>All trainers</a>
            </>
          ) : (
            'Training, prediction and export jobs, newest first.'
          )}
        </p>
      </div>
      {deleted !== undefined && <Note>Job {deleted} was deleted.</Note>}
      <nav class="facets" aria-label="Filter by state">
        <div class="facet">
          <ul>
            {[undefined, ...JobState.options].map((state) => (
              <li>
                <a
                  class="chip"
                  href={withQuery('/jobs', { ...query, cursor: undefined, state })}
                  aria-current={state === query.state ? 'true' : undefined}
                >
                  {state === undefined ? 'All' : jobStateWord(state)}
                </a>
              </li>
            ))}
          </ul>
        </div>
      </nav>
      {list.jobs.length === 0 ? (
        <section class="empty">
          <h2>{filtered ? 'No job matches' : 'No jobs yet'}</h2>
          {filtered ? (
            <p>
              <a href="/jobs">Show all jobs</a>
            </p>
          ) : (
            <>
              <p>
                Choose a <a href="/">trainer</a>; its page lists the commands. For example:
              </p>
              <Copyable
                label="Start a job"
                text={`curl ${runnerUrl}/v1/jobs -H 'content-type: application/json' \\\n  -d '{"trainer":"namespace/name","dataset":"DATASET_ID"}'`}
              />
            </>
          )}
        </section>
      ) : (
        <ul class="jobs">
          {list.jobs.map((job) => {
            const primary = job.latestMetrics[job.primaryMetric.name]
            return (
              <li class="job-row">
                <div class="job-row-main">
                  <h2>
                    <a href={`/jobs/${job.id}`}>{jobTitle(job)}</a>
                  </h2>
                  <ul class="facts">
                    <li>#{job.id}</li>
                    <li>
                      {job.trainer.name} {job.trainer.version}
                    </li>
                    {job.dataset !== undefined && <li>{job.dataset.name}</li>}
                    <li>
                      <RelativeTime at={job.createdAt} now={now} />
                    </li>
                  </ul>
                </div>
                <div class="job-row-state">
                  {primary !== undefined && (
                    <span class="job-row-metric">
                      <span class="muted">{job.primaryMetric.name}</span> {formatMetric(primary)}
                    </span>
                  )}
                  {job.state === 'running' && (
                    <progress value={job.progress.fraction} max={1} aria-label={`Progress of job ${job.id}`}>
                      {Math.round(job.progress.fraction * 100)} %
                    </progress>
                  )}
                  <JobStateStatus state={job.state} />
                </div>
              </li>
            )
          })}
        </ul>
      )}
      {(list.nextCursor !== undefined || query.cursor !== undefined) && (
        <nav class="paging" aria-label="Pages">
          {query.cursor !== undefined && <a href={withQuery('/jobs', { ...query, cursor: undefined })}>First page</a>}
          {list.nextCursor !== undefined && (
            <a rel="next" href={withQuery('/jobs', { ...query, cursor: list.nextCursor })}>
              Next page
            </a>
          )}
        </nav>
      )}
    </Layout>
  )
}
