import { type JobList, JobState, type JobSummary, type Operation } from '@trainyard/contract'
import { Copyable } from '../components/copyable.tsx'
import { Note } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import { JobStateStatus, jobStateWord } from '../components/status.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatCount, formatMetric, plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { jobTitle } from './parts.tsx'

/** All of it is in the address, so that a list can be kept and sent. */
export interface JobListQuery {
  q?: string | undefined
  state?: JobState | undefined
  operation?: Operation | undefined
  trainer?: string | undefined
  dataset?: string | undefined
  sort?: 'newest' | 'oldest' | 'best' | undefined
  cursor?: string | undefined
}

interface JobListPageProps {
  assetUrl: (name: string) => string
  query: JobListQuery
  list: JobList
  /** Number of the job that was just deleted. */
  deleted?: string | undefined
  /** What was just done to several jobs. */
  done?: { action: 'cancel' | 'delete'; count: number } | undefined
  runnerUrl: string
  now: Date
}

export function JobListPage({ assetUrl, query, list, deleted, done, runnerUrl, now }: JobListPageProps) {
  const { q, state, operation, trainer, dataset } = query
  const filtered = [q, state, operation, trainer, dataset].some(Boolean)
  return (
    <Layout assetUrl={assetUrl} title="Jobs" section="jobs" scripts={['selection.js']}>
      <div class="page-head">
        <h1>Jobs</h1>
        <p class="lead">Training, prediction and export jobs.</p>
      </div>
      {deleted !== undefined && <Note>Job {deleted} was deleted.</Note>}
      {done?.action === 'delete' && <Note>{plural(done.count, 'job')} deleted.</Note>}
      {done?.action === 'cancel' && <Note>{plural(done.count, 'job')} asked to stop.</Note>}
      <JobFilters query={query} list={list} />
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
        <JobRows list={list} now={now} />
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

/** Search, order, and filters with the number of jobs that each leads to. */
function JobFilters({ query, list }: { query: JobListQuery; list: JobList }) {
  const { facets } = list
  const datasetName = (id: string) => list.jobs.find(({ dataset }) => dataset?.id === id)?.dataset?.name ?? id
  return (
    <>
      <search>
        <form class="search job-search" method="get" action="/jobs">
          <input
            type="search"
            name="q"
            value={query.q ?? ''}
            maxlength={200}
            aria-label="Search jobs"
            placeholder="Name, trainer, model, dataset or number"
          />
          {(['state', 'operation', 'trainer', 'dataset'] as const).map(
            (name) => query[name] && <input type="hidden" name={name} value={query[name]} />,
          )}
          <select name="sort" aria-label="Order">
            <option value="newest">Newest first</option>
            <option value="oldest" selected={query.sort === 'oldest'}>
              Oldest first
            </option>
            <option value="best" selected={query.sort === 'best'}>
              Best metric first
            </option>
          </select>
          <button type="submit">Search</button>
        </form>
      </search>
      <nav class="facets" aria-label="Filters">
        <Facet
          label="State"
          name="state"
          query={query}
          values={JobState.options.map((value) => ({
            value,
            count: facets?.state.find((one) => one.value === value)?.count ?? 0,
          }))}
          word={(value) => jobStateWord(JobState.parse(value))}
        />
        <Facet label="Operation" name="operation" query={query} values={facets?.operation} />
        <Facet label="Trainer" name="trainer" query={query} values={facets?.trainer} />
        <Facet label="Dataset" name="dataset" query={query} values={facets?.dataset} word={datasetName} />
      </nav>
    </>
  )
}

/** Values that a filter shows without a click. */
const VALUES_SHOWN = 6

interface FacetProps {
  label: string
  name: 'state' | 'operation' | 'trainer' | 'dataset'
  query: JobListQuery
  values: readonly { value: string; count: number }[] | undefined
  word?: (value: string) => string
}

function Facet({ label, name, query, values = [], word = (value) => value }: FacetProps) {
  const chosen = query[name]
  if (values.length < 2 && chosen === undefined) return null
  const first = values.filter(({ value }, index) => index < VALUES_SHOWN || value === chosen)
  const rest = values.filter((one) => !first.includes(one))
  const chips = (some: typeof values) =>
    some.map(({ value, count }) => (
      <li>
        <a
          class="chip"
          href={withQuery('/jobs', { ...query, cursor: undefined, [name]: value === chosen ? undefined : value })}
          aria-current={value === chosen ? 'true' : undefined}
        >
          <bdi>{word(value)}</bdi> <span class="chip-count">{formatCount(count)}</span>
        </a>
      </li>
    ))
  return (
    <div class="facet">
      <span class="facet-label">{label}</span>
      <div>
        <ul>
          {chosen !== undefined && (
            <li>
              <a class="chip" href={withQuery('/jobs', { ...query, cursor: undefined, [name]: undefined })}>
                All
              </a>
            </li>
          )}
          {chips(first)}
        </ul>
        {rest.length > 0 && (
          <details>
            <summary>{formatCount(rest.length)} more</summary>
            <ul>{chips(rest)}</ul>
          </details>
        )}
      </div>
    </div>
  )
}

/** The jobs, each with a box; the buttons above lead to pages that compare the selected ones, or ask before they act. */
function JobRows({ list, now }: { list: JobList; now: Date }) {
  return (
    <form id="job-selection" method="get" action="/jobs/selected">
      <div class="selection">
        <span class="muted" data-selected="" role="status">
          Select jobs to act on them
        </span>
        <button type="submit" class="quiet" formaction="/jobs/compare" data-least="2">
          Compare
        </button>
        <button type="submit" class="quiet" name="action" value="cancel" data-least="1">
          Cancel …
        </button>
        <button type="submit" class="quiet" name="action" value="delete" data-least="1">
          Delete …
        </button>
      </div>
      <ul class="jobs">
        {list.jobs.map((job) => (
          <JobRow job={job} now={now} />
        ))}
      </ul>
    </form>
  )
}

function JobRow({ job, now }: { job: JobSummary; now: Date }) {
  const primary = job.latestMetrics[job.primaryMetric.name]
  return (
    <li class="job-row">
      <label class="job-row-box">
        <input type="checkbox" name="ids" value={String(job.id)} />
        <span class="visually-hidden">Select job {job.id}</span>
      </label>
      <div class="job-row-main">
        <h2>
          <a href={`/jobs/${job.id}`}>
            <bdi>{jobTitle(job)}</bdi>
          </a>
        </h2>
        <ul class="facts">
          <li>#{job.id}</li>
          <li>
            {job.trainer.name} {job.trainer.version}
          </li>
          {job.dataset !== undefined && (
            <li>
              <bdi>{job.dataset.name}</bdi>
            </li>
          )}
          <li>
            <RelativeTime at={job.createdAt} now={now} />
          </li>
        </ul>
      </div>
      <div class="job-row-metric">
        {primary !== undefined && (
          <>
            <span class="muted">{job.primaryMetric.name}</span> <strong>{formatMetric(primary)}</strong>
          </>
        )}
      </div>
      <div class="job-row-state">
        <JobStateStatus state={job.state} />
        {job.state === 'running' && (
          <progress value={job.progress.fraction} max={1} aria-label={`Progress of job ${job.id}`}>
            {Math.round(job.progress.fraction * 100)} %
          </progress>
        )}
      </div>
    </li>
  )
}
