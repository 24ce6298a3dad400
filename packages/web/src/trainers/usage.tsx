import type { TrainerUsage } from '@trainyard/contract'
import { Scroll } from '../components/scroll.tsx'
import { formatCount, formatDuration, plural } from '../format.ts'
import { t } from '../words/t.ts'

const WIDTH = 600
const HEIGHT = 120

/** Pulls and runs of the last days, for the owners of a trainer: a chart, and both by version as a table. */
export function Usage({ usage }: { usage: TrainerUsage }) {
  const { days, versions } = usage
  const total = days.reduce((sum, { pulls }) => sum + pulls, 0)
  const most = Math.max(1, ...days.map(({ pulls }) => pulls))
  const step = WIDTH / days.length
  const title = t('{pulls} in {days}, at most {most} on one day', {
    pulls: plural(total, '{count} pull', '{count} pulls'),
    days: plural(days.length, '{count} day', '{count} days'),
    most,
  })
  return (
    <section aria-labelledby="usage">
      <h2 id="usage">{t('Usage')}</h2>
      <p>
        {t('{title}. Each person or program counts once a day. Only members of the organisation see this.', { title })}
      </p>
      <svg class="usage-chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={title}>
        {days.map(({ day, pulls }, index) => (
          <rect
            x={String(Math.round(index * step * 10) / 10)}
            y={String(HEIGHT - Math.round((pulls / most) * HEIGHT))}
            width={String(Math.round(step * 8) / 10)}
            height={String(Math.round((pulls / most) * HEIGHT))}
          >
            <title>{`${day}: ${plural(pulls, '{count} pull', '{count} pulls')}`}</title>
          </rect>
        ))}
      </svg>
      <p>
        {t(
          'Runs are those that runners state, signed with their key. Runs that were cancelled do not count as failed.',
        )}
      </p>
      {versions.length > 0 && (
        <Scroll label={t('Table of pulls and runs by version')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('Version')}</th>
                <th scope="col" class="number">
                  {t('Pulls')}
                </th>
                <th scope="col" class="number">
                  {t('Bots')}
                </th>
                <th scope="col" class="number">
                  {t('Runs')}
                </th>
                <th scope="col" class="number">
                  {t('People')}
                </th>
                <th scope="col" class="number">
                  {t('Succeeded')}
                </th>
                <th scope="col" class="number">
                  {t('Median training')}
                </th>
              </tr>
            </thead>
            <tbody>
              {versions.map(({ version, medianTrainSeconds, ...counts }) => (
                <tr>
                  <th scope="row">{version === '' ? t('unknown') : version}</th>
                  <td class="number">{formatCount(counts.pulls)}</td>
                  <td class="number">{formatCount(counts.bots)}</td>
                  <td class="number">{formatCount(counts.runs)}</td>
                  <td class="number">{formatCount(counts.people)}</td>
                  <td class="number">{formatRate(counts)}</td>
                  <td class="number">
                    {medianTrainSeconds === undefined ? '–' : formatDuration(medianTrainSeconds * 1000)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}

/** The share of runs that succeeded, of those that were not cancelled. */
function formatRate({ succeeded, failed }: { succeeded: number; failed: number }): string {
  const ended = succeeded + failed
  return ended === 0 ? '–' : `${Math.round((100 * succeeded) / ended)} %`
}
