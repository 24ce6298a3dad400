import { UsageBy, type UsageFigures, type UsageReport } from '@trainyard/contract'
import { Field, FormProblem } from '../components/form.tsx'
import { Scroll } from '../components/scroll.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatBytes, formatCount } from '../format.ts'
import { PeopleLayout } from '../people/people-layout.tsx'
import { withQuery } from '../query.ts'
import { currentLanguage } from '../words/language.ts'
import { Sentence } from '../words/sentence.tsx'
import { t } from '../words/t.ts'

/** As it was submitted. */
export interface UsageForm {
  by: UsageBy
  from: string
  to: string
  project: string
  all: string
}

export interface UsagePageProps {
  assetUrl: (name: string) => string
  form: UsageForm
  report: UsageReport | undefined
  problem: string | undefined
  /** Whether the viewer can read the usage of the whole installation. */
  isOperator: boolean
  now: Date
}

const wordFor = (by: UsageBy): string => {
  const words: Readonly<Record<UsageBy, string>> = {
    project: t('Project'),
    organisation: t('Organisation'),
    person: t('Person'),
    trainer: t('Trainer'),
    queue: t('Queue'),
    day: t('Day'),
  }
  return words[by]
}

/** What jobs used in a period, and what it costs. */
export function UsagePage({ assetUrl, form, report, problem, isOperator, now }: UsagePageProps) {
  const query = { ...form, from: report?.from ?? form.from, to: report?.to ?? form.to }
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="usage"
      title={t('Usage')}
      lead={t('GPU and CPU time, storage and transfers of your projects. Days are in UTC.')}
    >
      <FormProblem text={problem} />
      <form class="usage-filters" method="get" action="/usage">
        <div class="field">
          <label for="by">{t('Grouped by')}</label>
          <select id="by" name="by">
            {UsageBy.options.map((by) => (
              <option value={by} selected={by === form.by}>
                {wordFor(by)}
              </option>
            ))}
          </select>
        </div>
        <Field name="from" label={t('From')} type="date" value={query.from} />
        <Field name="to" label={t('To')} type="date" value={query.to} />
        <Field
          name="project"
          label={t('Project')}
          value={form.project}
          maxlength={129}
          placeholder={t('all of yours')}
        />
        {isOperator && (
          <label class="check">
            <input type="checkbox" name="all" value="true" checked={form.all === 'true'} /> {t('All organisations')}
          </label>
        )}
        <button type="submit">{t('Show')}</button>
      </form>
      {report !== undefined && <Report report={report} form={query} now={now} />}
    </PeopleLayout>
  )
}

function Report({ report, form, now }: { report: UsageReport; form: UsageForm; now: Date }) {
  const { by, rows, total, currency, rowsLeftOut, countedUntil } = report
  if (rows.length === 0) return <p>{t('Nothing was used in this period.')}</p>
  const most = Math.max(...rows.map((row) => weightOf(row, total)))
  return (
    <>
      <Scroll label={t('Table of usage')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{wordFor(by)}</th>
              <th scope="col">{t('Share')}</th>
              <th scope="col" class="number">
                {t('Attempts')}
              </th>
              <th scope="col" class="number">
                {t('GPU hours')}
              </th>
              <th scope="col" class="number">
                {t('CPU hours')}
              </th>
              <th scope="col" class="number">
                {t('GB-months')}
              </th>
              <th scope="col" class="number">
                {t('Uploaded')}
              </th>
              <th scope="col" class="number">
                {t('Downloaded')}
              </th>
              {currency !== undefined && (
                <th scope="col" class="number">
                  {t('Cost, {currency}', { currency })}
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr>
                <th scope="row">
                  <Key by={by} row={row} form={form} />
                </th>
                <td>
                  <meter min={0} max={most || 1} value={weightOf(row, total)}>
                    {weightOf(row, total)}
                  </meter>
                </td>
                <Figures figures={row} hasCost={currency !== undefined} />
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{t('Total')}</th>
              <td />
              <Figures figures={total} hasCost={currency !== undefined} />
            </tr>
          </tfoot>
        </table>
      </Scroll>
      {rowsLeftOut > 0 && (
        <p>{t('{count} further rows are only in the total.', { count: formatCount(rowsLeftOut) })}</p>
      )}
      <p class="muted">
        <a href={withQuery('/usage.csv', { ...form })}>{t('Download as CSV')}</a>
        {countedUntil !== undefined && (
          <>
            {' '}
            {'· '}
            <Sentence text="counted {when}" when={<RelativeTime at={countedUntil} now={now} />} />
          </>
        )}
      </p>
    </>
  )
}

/** What the bars compare: the cost, or without prices the scarcest resource that was used. */
function weightOf(figures: UsageFigures, total: UsageFigures): number {
  if (total.cost !== undefined && total.cost > 0) return figures.cost ?? 0
  if (total.gpuSeconds > 0) return figures.gpuSeconds
  return figures.cpuSeconds
}

function Key({ by, row, form }: { by: UsageBy; row: UsageReport['rows'][number]; form: UsageForm }) {
  const { key, name = key } = row
  if (key === '') return <span class="muted">{t('none')}</span>
  if (by === 'project')
    return (
      <a href={withQuery('/usage', { ...form, by: 'person', project: key })}>
        <bdi>{name}</bdi>
      </a>
    )
  if (by === 'trainer')
    return (
      <a href={`/trainers/${key}`}>
        <bdi>{name}</bdi>
      </a>
    )
  return <bdi>{name}</bdi>
}

function Figures({ figures, hasCost }: { figures: UsageFigures; hasCost: boolean }) {
  return (
    <>
      <td class="number">{formatCount(figures.attempts)}</td>
      <td class="number">{amount(figures.gpuSeconds / 3600)}</td>
      <td class="number">{amount(figures.cpuSeconds / 3600)}</td>
      <td class="number">{amount(figures.storageGbMonths)}</td>
      <td class="number">{formatBytes(figures.uploadedBytes)}</td>
      <td class="number">{formatBytes(figures.downloadedBytes)}</td>
      {hasCost && <td class="number">{money(figures.cost ?? 0)}</td>}
    </>
  )
}

const amount = (value: number) => value.toLocaleString(currentLanguage(), { maximumFractionDigits: value < 10 ? 3 : 1 })
const money = (value: number) =>
  value.toLocaleString(currentLanguage(), { minimumFractionDigits: 2, maximumFractionDigits: 2 })
