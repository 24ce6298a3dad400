import type { Job, JobValidation } from '@trainyard/contract'
import { Scroll } from '../components/scroll.tsx'
import { formatCount, formatMetric, plural } from '../format.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'
import { PrecisionRecall, ratesOf, ValueHistogram } from './class-pictures.tsx'

/** Classes in the table of values per class. */
const CLASSES_SHOWN = 50
/** Columns of that table. */
const METRICS_SHOWN = 6
/** More classes than this make a matrix that is too small to read: the page lists the confused pairs instead. */
const MATRIX_CLASSES = 25
const PAIRS_SHOWN = 20

/** The newest validation: values per class as bars, and which classes the model confuses. */
export function JobValidationResult({ job, validation }: { job: Job; validation: JobValidation | undefined }) {
  if (validation === undefined || (validation.perClass === undefined && validation.confusionMatrix === undefined))
    return <div id="job-validation" hidden />
  const { epoch, split, confusionMatrix } = validation
  const perClass = perClassOf(validation)
  const where = [
    epoch === undefined ? undefined : t('epoch {epoch}', { epoch }),
    split === undefined ? undefined : t('on the {split} split', { split }),
  ].filter((part) => part !== undefined)
  return (
    <section id="job-validation" aria-labelledby="validation">
      <h2 id="validation">{t('Results by class')}</h2>
      {where.length > 0 && <p class="muted">{where.join(', ')}</p>}
      <div class="chart-grid">
        {confusionMatrix !== undefined && <PrecisionRecall rates={ratesOf(confusionMatrix)} />}
        {perClass !== undefined && (
          <ValueHistogram metric={metricsOf(job.primaryMetric.name, perClass)[0] ?? ''} perClass={perClass} />
        )}
      </div>
      {perClass !== undefined && <PerClass job={job} perClass={perClass} />}
      {confusionMatrix !== undefined && <Confusion matrix={confusionMatrix} />}
    </section>
  )
}

type ClassMetrics = NonNullable<JobValidation['perClass']>

/** The values by class that the trainer reported, or those that follow from its confusion matrix. */
export function perClassOf({ perClass, confusionMatrix }: JobValidation): ClassMetrics | undefined {
  if (perClass !== undefined || confusionMatrix === undefined) return perClass
  const rates = ratesOf(confusionMatrix)
  if (rates.length === 0) return undefined
  return Object.fromEntries(rates.map(({ name, recall, precision }) => [name, { recall, precision }]))
}

/** The names of metrics by class, the primary one first. */
function metricsOf(primary: string, perClass: ClassMetrics): string[] {
  const found = new Set<string>()
  for (const metrics of Object.values(perClass).slice(0, 1000)) for (const name of Object.keys(metrics)) found.add(name)
  return found.delete(primary) ? [primary, ...found] : [...found]
}

function PerClass({ job, perClass }: { job: Job; perClass: ClassMetrics }) {
  const all = Object.entries(perClass)
  const names = metricsOf(job.primaryMetric.name, perClass).slice(0, METRICS_SHOWN)
  const [first] = names
  if (first === undefined) return null
  const firstValue = (metrics: ClassMetrics[string]) => {
    const value = metrics[first]
    return typeof value === 'number' ? value : Number.POSITIVE_INFINITY
  }
  const sign = job.primaryMetric.name === first && job.primaryMetric.goal === 'minimize' ? -1 : 1
  const weakestFirst = all.sort(([, a], [, b]) => sign * (firstValue(a) - firstValue(b)) || 0)
  const shown = weakestFirst.slice(0, CLASSES_SHOWN)
  return (
    <>
      <Scroll label={t('Table of values per class')}>
        <table class="per-class">
          <thead>
            <tr>
              <th scope="col">{t('Class, weakest first')}</th>
              <ColumnHeads names={names} />
            </tr>
          </thead>
          <tbody>
            {shown.map(([className, metrics]) => (
              <tr>
                <th scope="row">
                  <bdi>{className}</bdi>
                </th>
                {names.map((name) => (
                  <td>
                    <Bar value={metrics[name]} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {all.length > shown.length && (
        <p class="muted">
          {plural(
            all.length - shown.length,
            '{count} more class with better values is not shown.',
            '{count} more classes with better values are not shown.',
          )}
        </p>
      )}
    </>
  )
}

/** A value with a bar of its share of 1. Other values have no bar: their largest possible value is not known. */
function Bar({ value }: { value: ClassMetrics[string][string] | undefined }) {
  if (value === undefined) return null
  const share = typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined
  return (
    <span class="bar">
      {share !== undefined && (
        <svg viewBox="0 0 100 10" width="80" height="8" aria-hidden="true" preserveAspectRatio="none">
          <rect class="bar-track" width="100" height="10" />
          <rect class="bar-value" width={String(Math.round(share * 100))} height="10" />
        </svg>
      )}
      <span class="bar-number">{formatMetric(value)}</span>
    </span>
  )
}

type Matrix = NonNullable<JobValidation['confusionMatrix']>

function Confusion({ matrix }: { matrix: Matrix }) {
  const { classes, counts } = matrix
  const pairs = confusedPairs(matrix)
  return (
    <>
      {classes.length > 0 && classes.length <= MATRIX_CLASSES && (
        <Scroll label={t('Confusion matrix')}>
          <table class="matrix">
            <caption>{t('Confusion matrix: the actual class by row, the predicted one by column')}</caption>
            <thead>
              <tr>
                <td />
                <ColumnHeads names={classes} />
              </tr>
            </thead>
            <tbody>
              {classes.map((name, row) => {
                const total = sum(counts[row])
                return (
                  <tr>
                    <th scope="row">
                      <bdi>{name}</bdi>
                    </th>
                    {classes.map((_, column) => {
                      const count = counts[row]?.[column] ?? 0
                      const shade = total === 0 ? 0 : Math.round((count / total) * 9)
                      return (
                        <td class={`number heat-${shade} ${row === column ? 'hit' : 'miss'}`}>{formatCount(count)}</td>
                      )
                    })}
                  </tr>
                )
              })}
            </tbody>
          </table>
        </Scroll>
      )}
      {pairs.length > 0 && (
        <>
          <h3>{t('Confused most often')}</h3>
          <ol class="confused">
            {pairs.map(({ actual, predicted, count, share }) => (
              <li>
                <Sentence
                  text="{actual} taken for {predicted} {share}"
                  actual={<bdi>{actual}</bdi>}
                  predicted={<bdi>{predicted}</bdi>}
                  share={
                    <span class="muted">
                      {t('{times}, {percent} % of that class', {
                        times: plural(count, '{count} time', '{count} times'),
                        percent: Math.round(share * 100),
                      })}
                    </span>
                  }
                />
              </li>
            ))}
          </ol>
        </>
      )}
    </>
  )
}

interface ConfusedPair {
  actual: string
  predicted: string
  count: number
  /** Of the examples of the actual class. */
  share: number
}

/** Read without trust in the shape: rows may be missing, short or long. */
export function confusedPairs({ classes, counts }: Matrix): ConfusedPair[] {
  const pairs: ConfusedPair[] = []
  for (const [row, actual] of classes.entries()) {
    const total = sum(counts[row])
    for (const [column, predicted] of classes.entries()) {
      const count = counts[row]?.[column] ?? 0
      if (row !== column && count > 0) pairs.push({ actual, predicted, count, share: count / total })
    }
  }
  return pairs.sort((a, b) => b.count - a.count).slice(0, PAIRS_SHOWN)
}

const sum = (values: readonly number[] | undefined): number => (values ?? []).reduce((all, one) => all + one, 0)

function ColumnHeads({ names }: { names: readonly string[] }) {
  return (
    <>
      {names.map((name) => (
        <th scope="col">
          <bdi>{name}</bdi>
        </th>
      ))}
    </>
  )
}
