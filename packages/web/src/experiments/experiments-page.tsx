import type { JobList, JobSummary } from '@trainyard/contract'
import { Layout } from '../components/layout.tsx'
import { Scroll } from '../components/scroll.tsx'
import { JobStateStatus } from '../components/status.tsx'
import { formatMetric } from '../format.ts'
import { jobTitle } from '../jobs/parts.tsx'
import { t } from '../words/t.ts'
import { bestOf, type Column, cellOf, chooseColumns, columnsOf, sortJobs } from './columns.ts'
import { ParallelCoordinates, Scatter } from './pictures.tsx'

/** All of it is in the address, so that a view can be kept and sent. */
export interface ExperimentsQuery {
  q?: string | undefined
  project?: string | undefined
  trainer?: string | undefined
  dataset?: string | undefined
  group: 'none' | 'project' | 'trainer' | 'dataset'
  picture: 'parallel' | 'scatter'
  /** Key of a column; with a "-" before it, the highest value first. */
  sort?: string | undefined
  x?: string | undefined
  y?: string | undefined
  /** Keys of the columns of the table. */
  columns: readonly string[]
  cursor?: string | undefined
}

interface ExperimentsPageProps {
  assetUrl: (name: string) => string
  query: ExperimentsQuery
  list: JobList
  /** Those that the viewer can read. */
  projects: readonly string[]
}

/** Trainings as a table of settings and metrics, with a picture of how they belong together. */
export function ExperimentsPage({ assetUrl, query, list, projects }: ExperimentsPageProps) {
  const all = columnsOf(list.jobs)
  const columns = chooseColumns(all, query.columns)
  const isDescending = query.sort?.startsWith('-') ?? false
  const sorted = all.find(({ key }) => key === query.sort?.replace(/^-/, ''))
  const jobs = sorted === undefined ? list.jobs : sortJobs(list.jobs, sorted, isDescending)
  const best = bestOf(jobs)
  return (
    <Layout assetUrl={assetUrl} title={t('Experiments')} section="jobs" scripts={['selection.js']}>
      <div class="page-head">
        <p class="crumbs">
          <a href="/jobs">{t('Jobs')}</a> <span aria-hidden="true">/</span> {t('experiments')}
        </p>
        <h1>{t('Experiments')}</h1>
        <p class="lead">{t('Trainings with their settings and metrics. The address keeps this view.')}</p>
      </div>
      <Choices query={query} list={list} projects={projects} all={all} columns={columns} />
      {jobs.length === 0 ? (
        <p class="muted">{t('No training matches.')}</p>
      ) : (
        <>
          <div class="experiment-picture">
            <Scroll label={t('Picture')}>
              {query.picture === 'scatter' ? (
                <ChosenScatter query={query} jobs={jobs} all={all} />
              ) : (
                <ParallelCoordinates jobs={jobs} columns={[...columns].reverse()} best={best?.id ?? 0} />
              )}
            </Scroll>
          </div>
          <Table query={query} jobs={jobs} columns={columns} best={best} />
        </>
      )}
      {(list.nextCursor !== undefined || query.cursor !== undefined) && (
        <nav class="paging" aria-label={t('Pages')}>
          {query.cursor !== undefined && <a href={address({ ...query, cursor: undefined })}>{t('First page')}</a>}
          {list.nextCursor !== undefined && (
            <a rel="next" href={address({ ...query, cursor: list.nextCursor })}>
              {t('Next page')}
            </a>
          )}
        </nav>
      )}
    </Layout>
  )
}

/** The address of a view. */
function address({ columns, ...query }: ExperimentsQuery): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value) params.set(name, value)
  for (const key of columns) params.append('columns', key)
  return `/experiments?${params}`
}

function ChosenScatter({
  query,
  jobs,
  all,
}: Pick<ExperimentsPageProps, 'query'> & { jobs: readonly JobSummary[]; all: Column[] }) {
  const isNumber = (column: Column) => jobs.some((job) => typeof cellOf(job, column) === 'number')
  const numbers = all.filter(isNumber)
  const x = numbers.find(({ key }) => key === query.x) ?? numbers.find(({ kind }) => kind === 'setting') ?? numbers[1]
  const y = numbers.find(({ key }) => key === query.y) ?? numbers[0]
  if (x === undefined || y === undefined) return <p class="muted">{t('No column has numbers.')}</p>
  return <Scatter jobs={jobs} x={x} y={y} />
}

interface ChoicesProps extends Pick<ExperimentsPageProps, 'query' | 'list' | 'projects'> {
  all: readonly Column[]
  columns: readonly Column[]
}

function Choices({ query, list, projects, all, columns }: ChoicesProps) {
  const datasetName = (id: string) => list.jobs.find(({ dataset }) => dataset?.id === id)?.dataset?.name ?? id
  const columnOptions = all.map(({ key, name }): Option => [key, name])
  return (
    <form method="get" action="/experiments" class="experiment-choices">
      <label>
        {t('Search')}
        <input type="search" name="q" value={query.q ?? ''} maxlength={200} dir="auto" />
      </label>
      <Select
        name="project"
        label={t('Project')}
        value={query.project}
        options={projects.map((one) => [one, one])}
        any
      />
      <Select
        name="trainer"
        label={t('Trainer')}
        value={query.trainer}
        options={(list.facets?.trainer ?? []).map(({ value }) => [value, value])}
        any
      />
      <Select
        name="dataset"
        label={t('Dataset')}
        value={query.dataset}
        options={(list.facets?.dataset ?? []).map(({ value }) => [value, datasetName(value)])}
        any
      />
      <Select
        name="group"
        label={t('Group by')}
        value={query.group}
        options={[
          ['none', t('nothing')],
          ['project', t('Project')],
          ['trainer', t('Trainer')],
          ['dataset', t('Dataset')],
        ]}
      />
      <Select
        name="picture"
        label={t('Picture')}
        value={query.picture}
        options={[
          ['parallel', t('Parallel coordinates')],
          ['scatter', t('Points')],
        ]}
      />
      {query.picture === 'scatter' && (
        <>
          <Select name="x" label={t('Across')} value={query.x} options={columnOptions} any />
          <Select name="y" label={t('Up')} value={query.y} options={columnOptions} any />
        </>
      )}
      {query.sort !== undefined && <input type="hidden" name="sort" value={query.sort} />}
      {all.length > 0 && (
        <details class="experiment-columns">
          <summary>{t('Columns')}</summary>
          <ul>
            {all.map(({ key, name, kind }) => (
              <li>
                <label>
                  <input type="checkbox" name="columns" value={key} checked={columns.some((one) => one.key === key)} />
                  <span>
                    <bdi>{name}</bdi> <span class="muted">{kind === 'setting' ? t('setting') : t('metric')}</span>
                  </span>
                </label>
              </li>
            ))}
          </ul>
        </details>
      )}
      <button type="submit">{t('Show')}</button>
    </form>
  )
}

type Option = readonly [value: string, text: string]

interface SelectProps {
  name: string
  label: string
  value: string | undefined
  options: readonly Option[]
  /** Offer no choice, too. */
  any?: boolean
}

function Select({ name, label, value, options, any = false }: SelectProps) {
  const known =
    options.some(([one]) => one === value) || value === undefined ? options : [...options, [value, value] as const]
  return (
    <label>
      {label}
      <select name={name}>
        {any && <option value="">{t('Any')}</option>}
        {known.map(([one, text]) => (
          <option value={one} selected={one === value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}

interface TableProps {
  query: ExperimentsQuery
  jobs: readonly JobSummary[]
  columns: readonly Column[]
  /** Of all jobs on the page. */
  best: JobSummary | undefined
}

function Table({ query, jobs, columns, best }: TableProps) {
  const groups = [...Map.groupBy(jobs, (job) => groupOf(job, query.group))]
  return (
    <form id="job-selection" method="get" action="/jobs/compare">
      <div class="selection">
        <span class="muted" data-selected="" role="status">
          {t('Select jobs to act on them')}
        </span>
        <button type="submit" class="quiet" data-least="2">
          {t('Compare')}
        </button>
      </div>
      <Scroll label={t('Table of trainings')}>
        <table class="experiments">
          <thead>
            <tr>
              <td />
              <th scope="col">{t('Job')}</th>
              <th scope="col">{t('State')}</th>
              {columns.map((column) => (
                <ColumnHead query={query} column={column} />
              ))}
            </tr>
          </thead>
          {groups.map(([name, members]) => {
            const bestOfGroup = query.group === 'none' ? best : bestOf(members)
            return (
              <tbody>
                {query.group !== 'none' && (
                  <tr>
                    <th class="group" scope="rowgroup" colspan={columns.length + 3}>
                      <bdi>{name}</bdi> <span class="muted">{members.length}</span>
                    </th>
                  </tr>
                )}
                {members.map((job) => (
                  <Row job={job} columns={columns} isBest={job === bestOfGroup} />
                ))}
              </tbody>
            )
          })}
        </table>
      </Scroll>
    </form>
  )
}

function groupOf(job: JobSummary, group: ExperimentsQuery['group']): string {
  if (group === 'project') return job.project ?? t('no project')
  if (group === 'trainer') return job.trainer.name
  if (group === 'dataset') return job.dataset?.name ?? t('no dataset')
  return ''
}

function ColumnHead({ query, column }: { query: ExperimentsQuery; column: Column }) {
  const isUp = query.sort === column.key
  const isDown = query.sort === `-${column.key}`
  const sort = isDown ? column.key : `-${column.key}`
  return (
    <th scope="col" class="number" aria-sort={isUp ? 'ascending' : isDown ? 'descending' : undefined}>
      <a href={address({ ...query, sort })}>
        <bdi>{column.name}</bdi>
      </a>
      {(isUp || isDown) && <span aria-hidden="true">{isUp ? ' ↑' : ' ↓'}</span>}
    </th>
  )
}

function Row({ job, columns, isBest }: { job: JobSummary; columns: readonly Column[]; isBest: boolean }) {
  return (
    <tr>
      <td>
        <label>
          <input type="checkbox" name="ids" value={String(job.id)} />
          <span class="visually-hidden">{t('Select job {id}', { id: job.id })}</span>
        </label>
      </td>
      <th scope="row">
        <a href={`/jobs/${job.id}`}>
          #{job.id} <bdi>{jobTitle(job)}</bdi>
        </a>
        {isBest && <strong> {t('best')}</strong>}
      </th>
      <td>
        <JobStateStatus state={job.state} />
      </td>
      {columns.map((column) => {
        const value = cellOf(job, column)
        return (
          <td class="number">
            {value === undefined ? '–' : typeof value === 'number' ? formatMetric(value) : <bdi>{String(value)}</bdi>}
          </td>
        )
      })}
    </tr>
  )
}
