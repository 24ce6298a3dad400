import type { Job, JobValidation } from '@trainyard/contract'
import { Scroll } from '../components/scroll.tsx'
import { formatMetric, plural } from '../format.ts'
import { t } from '../words/t.ts'
import { Swatch } from './charts.tsx'
import { artifactPath, type PageArtifact } from './job-artifacts.tsx'
import { isPicture } from './plots.tsx'
import { perClassOf } from './validation.tsx'

/** What one of the compared jobs reported beside its curves. */
export interface ComparedResults {
  job: Job
  /** The newest one. */
  validation: JobValidation | undefined
  artifacts: readonly PageArtifact[]
}

const CLASSES_SHOWN = 50
const PLOTS_SHOWN = 12

/** A metric by class, a column a job: the classes in which the jobs differ most come first. */
export function ComparedClasses({ results }: { results: readonly ComparedResults[] }) {
  const columns = results.map(({ validation }) => (validation === undefined ? {} : (perClassOf(validation) ?? {})))
  const metric = sharedMetric(results[0]?.job.primaryMetric.name ?? '', columns)
  if (metric === undefined) return null
  const rows = [...new Set(columns.flatMap((column) => Object.keys(column)))].map((name) => {
    const values = columns.map((column) => column[name]?.[metric])
    const numbers = values.filter((value) => typeof value === 'number')
    return { name, values, spread: numbers.length < 2 ? -1 : Math.max(...numbers) - Math.min(...numbers) }
  })
  const shown = rows.sort((a, b) => b.spread - a.spread).slice(0, CLASSES_SHOWN)
  return (
    <section aria-labelledby="compared-classes">
      <h2 id="compared-classes">{t('Classes')}</h2>
      <p class="muted">{t('{metric} of the newest validation, the largest difference first', { metric })}</p>
      <Scroll label={t('Table of values per class')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('Class')}</th>
              <JobHeads jobs={results.map(({ job }) => job)} />
            </tr>
          </thead>
          <tbody>
            {shown.map(({ name, values }) => (
              <tr>
                <th scope="row">
                  <bdi>{name}</bdi>
                </th>
                {values.map((value) => (
                  <td class="number">{value === undefined ? '–' : formatMetric(value)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {rows.length > shown.length && (
        <p class="muted">
          {plural(rows.length - shown.length, '{count} more class differs less.', '{count} more classes differ less.')}
        </p>
      )}
    </section>
  )
}

type Columns = readonly NonNullable<JobValidation['perClass']>[]

/** The primary metric if at least two jobs have it by class, or else the first other one. */
function sharedMetric(primary: string, columns: Columns): string | undefined {
  const jobsWith = new Map<string, number>()
  for (const column of columns) {
    const names = new Set(
      Object.values(column)
        .slice(0, 100)
        .flatMap((metrics) => Object.keys(metrics)),
    )
    for (const name of names) jobsWith.set(name, (jobsWith.get(name) ?? 0) + 1)
  }
  const shared = [...jobsWith].filter(([, count]) => count >= 2).map(([name]) => name)
  return shared.includes(primary) ? primary : shared[0]
}

/** The newest plot of each name, side by side for the jobs that have it. */
export function ComparedPlots({ results }: { results: readonly ComparedResults[] }) {
  const byJob = results.map(
    ({ artifacts }) =>
      new Map(artifacts.filter((one) => one.kind === 'plot' && isPicture(one)).map((plot) => [plotName(plot), plot])),
  )
  const names = [...new Set(byJob.flatMap((plots) => [...plots.keys()]))].filter(
    (name) => byJob.filter((plots) => plots.has(name)).length >= 2,
  )
  if (names.length === 0) return null
  return (
    <section aria-labelledby="compared-plots">
      <h2 id="compared-plots">{t('Plots')}</h2>
      {names.slice(0, PLOTS_SHOWN).map((name) => (
        <>
          <h3>
            <bdi>{name}</bdi>
          </h3>
          <div class="pictures">
            {results.map(({ job }, index) => {
              const plot = byJob[index]?.get(name)
              if (plot === undefined) return null
              const address = `${artifactPath(job, plot.id)}/picture`
              return (
                <figure>
                  <a href={address}>
                    <img src={address} alt={`#${job.id} ${plot.name}`} loading="lazy" decoding="async" />
                  </a>
                  <figcaption>
                    <Swatch index={index} />
                    {' #'}
                    {job.id}
                  </figcaption>
                </figure>
              )
            })}
          </div>
        </>
      ))}
    </section>
  )
}

/** The name without folders and the epoch, so that plots of the same kind lie side by side. */
function plotName({ name, epoch }: PageArtifact): string {
  const file = name.split('/').at(-1) ?? name
  return epoch === undefined ? file : file.replace(new RegExp(`[-_.]?(?:epoch)?[-_.]?0*${epoch}(?=\\.\\w+$)`), '')
}

export function JobHeads({ jobs }: { jobs: readonly Job[] }) {
  return (
    <>
      {jobs.map((job, index) => (
        <th scope="col">
          <Swatch index={index} />
          {' #'}
          {job.id}
        </th>
      ))}
    </>
  )
}
