import type { TrainerUsage } from '@trainyard/contract'
import { Scroll } from '../components/scroll.tsx'
import { formatCount, plural } from '../format.ts'
import { t } from '../words/t.ts'

const WIDTH = 600
const HEIGHT = 120

/** Pulls of the last days, for the owners of a trainer: a chart, and the same by version as a table. */
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
      {versions.length > 0 && (
        <Scroll label={t('Table of pulls by version')}>
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
              </tr>
            </thead>
            <tbody>
              {versions.map(({ version, pulls, bots }) => (
                <tr>
                  <th scope="row">{version === '' ? t('unknown') : version}</th>
                  <td class="number">{formatCount(pulls)}</td>
                  <td class="number">{formatCount(bots)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}
