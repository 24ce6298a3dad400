import type { Job } from '@trainyard/contract'
import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'
import { Layout } from '../components/layout.tsx'
import { Scroll } from '../components/scroll.tsx'
import { JobStateStatus } from '../components/status.tsx'
import { formatDuration, formatMetric } from '../format.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import type { ChartRun, ChartSeries } from './chart-groups.ts'
import { Charts, Swatch } from './charts.tsx'
import { ComparedClasses, ComparedPlots, type ComparedResults, JobHeads } from './compare-results.tsx'
import type { CompareData } from './live-events.ts'
import { jobTitle } from './parts.tsx'
import { scriptJson } from './script-json.ts'

export interface ComparedJob extends ComparedResults {
  series: ChartSeries[]
}

interface ComparePageProps {
  assetUrl: (name: string) => string
  compared: readonly ComparedJob[]
  /** Numbers that name no job that the viewer can see. */
  missing: readonly number[]
}

/** Curves overlaid, the settings that differ, and the last values of every metric, a column a job. */
export function ComparePage({ assetUrl, compared, missing }: ComparePageProps) {
  const jobs = compared.map(({ job }) => job)
  const runs: ChartRun[] = compared.map(({ job, series }) => ({ label: `#${job.id} ${jobTitle(job)}`, series }))
  const primary = jobs[0]?.primaryMetric.name ?? ''
  const data: CompareData = { primary, runs }
  return (
    <Layout
      assetUrl={assetUrl}
      title={t('Compare {count} jobs', { count: compared.length })}
      section="jobs"
      scripts={['compare.js']}
    >
      <div class="page-head">
        <p class="crumbs">
          <a href="/jobs">{t('Jobs')}</a> <span aria-hidden="true">/</span> {t('compare')}
        </p>
        <h1>{t('Compare jobs')}</h1>
      </div>
      {missing.length > 0 && (
        <p class="form-problem" role="alert">
          {t('Not found: {missing}.', { missing: missing.map((id) => `#${id}`).join(', ') })}
        </p>
      )}
      {compared.length < 2 ? (
        <p>
          <Sentence
            text="Select two or more jobs in the {link}, then choose {strong}."
            link={<a href="/jobs">{t('list')}</a>}
            strong={<strong>{t('Compare')}</strong>}
          />
        </p>
      ) : (
        <>
          <section aria-labelledby="compared-jobs">
            <h2 id="compared-jobs" class="visually-hidden">
              {t('Jobs')}
            </h2>
            <Summary compared={compared} />
          </section>
          <section aria-labelledby="curves">
            <h2 id="curves">{t('Curves')}</h2>
            <Charts runs={runs} primary={primary} ended />
          </section>
          <section aria-labelledby="differences">
            <h2 id="differences">{t('Settings that differ')}</h2>
            <Differences jobs={jobs} />
          </section>
          <section aria-labelledby="values">
            <h2 id="values">{t('Last values')}</h2>
            <Values jobs={jobs} />
          </section>
          <ComparedClasses results={compared} />
          <ComparedPlots results={compared} />
        </>
      )}
      <script type="application/json" id="compare-data">
        {raw(scriptJson(data))}
      </script>
    </Layout>
  )
}

function Summary({ compared }: { compared: readonly ComparedJob[] }) {
  return (
    <Scroll label={t('Table of jobs')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('Job')}</th>
            <th scope="col">{t('State')}</th>
            <th scope="col">{t('Trainer')}</th>
            <th scope="col">{t('Dataset')}</th>
            <th scope="col" class="number">
              {t('Ran for')}
            </th>
            <th scope="col" class="number">
              {t('Primary metric')}
            </th>
          </tr>
        </thead>
        <tbody>
          {compared.map(({ job }, index) => (
            <tr>
              <th scope="row">
                <Swatch index={index} />{' '}
                <a href={`/jobs/${job.id}`}>
                  #{job.id} <bdi>{jobTitle(job)}</bdi>
                </a>
              </th>
              <td>
                <JobStateStatus state={job.state} />
              </td>
              <td>
                {job.trainer.name} {job.trainer.version}
              </td>
              <td>{job.dataset?.name ?? '–'}</td>
              <td class="number">{ranFor(job)}</td>
              <td class="number">
                <span class="muted">{job.primaryMetric.name}</span>{' '}
                {formatMetric(job.latestMetrics[job.primaryMetric.name] ?? null)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

const ranFor = ({ startedAt, finishedAt }: Job): string =>
  startedAt === undefined || finishedAt === undefined
    ? '–'
    : formatDuration(Date.parse(finishedAt) - Date.parse(startedAt))

interface Row {
  name: string
  /** One for each job. Undefined where a job does not have it. */
  values: (string | undefined)[]
}

/** What a person chose for a job, by the name of the choice. */
function choicesOf(job: Job): ReadonlyMap<string, string> {
  const settings = [...Object.entries(job.config.basic), ...Object.entries(job.config.advanced)]
  return new Map([
    [t('trainer'), `${job.trainer.name} ${job.trainer.version}`],
    [t('trainer digest'), job.trainer.digest],
    [t('model'), job.model],
    [t('operation'), job.operation],
    [t('dataset'), job.dataset?.name ?? t('none')],
    [t('dataset version'), String(job.dataset?.version ?? t('none'))],
    [t('dataset snapshot'), job.dataset?.versionHash ?? t('none')],
    ...settings.map(([name, value]): [string, string] => [`config.${name}`, JSON.stringify(value)]),
  ])
}

/** The choices in which at least two jobs differ. */
export function differencesOf(jobs: readonly Job[]): Row[] {
  const all = jobs.map(choicesOf)
  const names = new Set(all.flatMap((choices) => [...choices.keys()]))
  return [...names]
    .map((name) => ({ name, values: all.map((choices) => choices.get(name)) }))
    .filter(({ values }) => new Set(values).size > 1)
}

function Differences({ jobs }: { jobs: readonly Job[] }) {
  const rows = differencesOf(jobs)
  if (rows.length === 0) return <p class="muted">{t('All settings, the trainer and the dataset are the same.')}</p>
  return (
    <CompareTable label={t('Table of settings that differ')} jobs={jobs}>
      {rows.map(({ name, values }) => (
        <tr>
          <th scope="row">
            <code>{name}</code>
          </th>
          {values.map((value) => (
            <td>{value === undefined ? <span class="muted">{t('not set')}</span> : <code>{value}</code>}</td>
          ))}
        </tr>
      ))}
    </CompareTable>
  )
}

function Values({ jobs }: { jobs: readonly Job[] }) {
  const names = [...new Set(jobs.flatMap((job) => [job.primaryMetric.name, ...Object.keys(job.latestMetrics)]))]
  return (
    <CompareTable label={t('Table of last values')} jobs={jobs}>
      {names.map((name) => {
        const best = bestOf(jobs, name)
        return (
          <tr>
            <th scope="row">
              <bdi>{name}</bdi>
            </th>
            {jobs.map((job) => {
              const value = job.latestMetrics[name]
              const isBest = best !== undefined && value === best
              return (
                <td class="number">
                  {value === undefined ? '–' : formatMetric(value)}
                  {isBest && <strong> {t('best')}</strong>}
                </td>
              )
            })}
          </tr>
        )
      })}
    </CompareTable>
  )
}

/** The best value of a metric whose direction is known: the primary one of every job, with the same goal. */
function bestOf(jobs: readonly Job[], name: string): number | undefined {
  const goals = new Set(jobs.map(({ primaryMetric }) => (primaryMetric.name === name ? primaryMetric.goal : 'unknown')))
  const [goal] = goals
  if (goals.size !== 1 || goal === 'unknown') return undefined
  const values = jobs.map((job) => job.latestMetrics[name]).filter((value) => typeof value === 'number')
  if (values.length < 2) return undefined
  return goal === 'minimize' ? Math.min(...values) : Math.max(...values)
}

function CompareTable({ label, jobs, children }: { label: string; jobs: readonly Job[]; children?: Child }) {
  return (
    <Scroll label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('Name')}</th>
            <JobHeads jobs={jobs} />
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scroll>
  )
}
