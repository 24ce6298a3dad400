import { type JobList, JobState, type JobSummary, type Operation } from '@trainyard/contract'
import { apiWord } from '../components/api-word.ts'
import { Copyable } from '../components/copyable.tsx'
import { Note } from '../components/form.tsx'
import { Layout } from '../components/layout.tsx'
import { JobStateStatus, jobStateWord } from '../components/status.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatCount, formatMetric, plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
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
    <Layout assetUrl={assetUrl} title={t('Jobs')} section="jobs" scripts={['selection.js']}>
      <div class="page-head">
        <h1>{t('Jobs')}</h1>
        <p class="lead">
          {t('Training, prediction and export jobs.')} <a href="/experiments">{t('Settings and metrics as a table')}</a>
        </p>
      </div>
      {deleted !== undefined && <Note>{t('Job {deleted} was deleted.', { deleted })}</Note>}
      {done?.action === 'delete' && (
        <Note>{t('{counted} deleted.', { counted: plural(done.count, '{count} job', '{count} jobs') })}</Note>
      )}
      {done?.action === 'cancel' && (
        <Note>{t('{counted} asked to stop.', { counted: plural(done.count, '{count} job', '{count} jobs') })}</Note>
      )}
      <JobFilters query={query} list={list} />
      {list.jobs.length === 0 ? (
        <section class="empty">
          <h2>{filtered ? t('No job matches') : t('No jobs yet')}</h2>
          {filtered ? (
            <p>
              <a href="/jobs">{t('Show all jobs')}</a>
            </p>
          ) : (
            <>
              <p>
                <Sentence
                  text="Choose a {link}; its page lists the commands. For example:"
                  link={<a href="/">{t('trainer')}</a>}
                />
              </p>
              <Copyable
                label={t('Start a job')}
                text={`curl ${runnerUrl}/v1/jobs -H 'content-type: application/json' \\\n  -d '{"trainer":"namespace/name","dataset":"DATASET_ID"}'`}
              />
            </>
          )}
        </section>
      ) : (
        <JobRows list={list} now={now} />
      )}
      {(list.nextCursor !== undefined || query.cursor !== undefined) && (
        <nav class="paging" aria-label={t('Pages')}>
          {query.cursor !== undefined && (
            <a href={withQuery('/jobs', { ...query, cursor: undefined })}>{t('First page')}</a>
          )}
          {list.nextCursor !== undefined && (
            <a rel="next" href={withQuery('/jobs', { ...query, cursor: list.nextCursor })}>
              {t('Next page')}
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
            aria-label={t('Search jobs')}
            placeholder={t('Name, trainer, model, dataset or number')}
          />
          {(['state', 'operation', 'trainer', 'dataset'] as const).map(
            (name) => query[name] && <input type="hidden" name={name} value={query[name]} />,
          )}
          <select name="sort" aria-label={t('Order')}>
            <option value="newest">{t('Newest first')}</option>
            <option value="oldest" selected={query.sort === 'oldest'}>
              {t('Oldest first')}
            </option>
            <option value="best" selected={query.sort === 'best'}>
              {t('Best metric first')}
            </option>
          </select>
          <button type="submit">{t('Search')}</button>
        </form>
      </search>
      <nav class="facets" aria-label={t('Filters')}>
        <Facet
          label={t('State')}
          name="state"
          query={query}
          values={JobState.options.map((value) => ({
            value,
            count: facets?.state.find((one) => one.value === value)?.count ?? 0,
          }))}
          word={(value) => jobStateWord(JobState.parse(value))}
        />
        <Facet label={t('Operation')} name="operation" query={query} values={facets?.operation} word={apiWord} />
        <Facet label={t('Trainer')} name="trainer" query={query} values={facets?.trainer} />
        <Facet label={t('Dataset')} name="dataset" query={query} values={facets?.dataset} word={datasetName} />
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
                {t('All')}
              </a>
            </li>
          )}
          {chips(first)}
        </ul>
        {rest.length > 0 && (
          <details>
            <summary>{t('{count} more', { count: formatCount(rest.length) })}</summary>
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
          {t('Select jobs to act on them')}
        </span>
        <button type="submit" class="quiet" formaction="/jobs/compare" data-least="2">
          {t('Compare')}
        </button>
        <button type="submit" class="quiet" name="action" value="cancel" data-least="1">
          {t('Cancel …')}
        </button>
        <button type="submit" class="quiet" name="action" value="delete" data-least="1">
          {t('Delete …')}
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
        <span class="visually-hidden">{t('Select job {id}', { id: job.id })}</span>
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
          <progress value={job.progress.fraction} max={1} aria-label={t('Progress of job {id}', { id: job.id })}>
            {Math.round(job.progress.fraction * 100)}
            {' %'}
          </progress>
        )}
      </div>
    </li>
  )
}
